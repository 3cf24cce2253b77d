package main

import (
	"github.com/spf13/cobra"

	"dvproxy/internal/supervisor"
)

// serviceEntry is the command that a service is started with. It says so in so
// many words: a program cannot always tell what has started it.
func serviceEntry() []string { return []string{"service", "run"} }

// serviceRunners are commands for the supervisor alone.
func serviceRunners() []*cobra.Command { return nil }

// serviceDefaults are settings that differ for a service, which has no standard
// error.
func serviceDefaults(places supervisor.Places) map[string]string {
	return map[string]string{"log.file": places.Log}
}
