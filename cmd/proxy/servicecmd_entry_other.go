//go:build !windows

package main

import (
	"github.com/spf13/cobra"

	"dvproxy/internal/supervisor"
)

// serviceEntry is the command that a service is started with: systemd wants
// nothing that serve does not do.
func serviceEntry() []string { return []string{"serve"} }

// serviceRunners are commands for the supervisor alone.
func serviceRunners() []*cobra.Command { return nil }

// serviceDefaults are settings that differ for a service.
func serviceDefaults(supervisor.Places) map[string]string { return nil }
