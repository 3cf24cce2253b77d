package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/spf13/cobra"

	"dvproxy/internal/config"
	"dvproxy/internal/supervisor"
)

// serviceEntry is the command that a service is started with. It says so in so
// many words: a program cannot always tell what has started it.
func serviceEntry() []string { return []string{"service", "run"} }

// serviceDefaults are settings that differ for a service, which has no standard
// error.
func serviceDefaults(places supervisor.Places) map[string]string {
	return map[string]string{"log.file": places.Log}
}

// serviceRunners are commands for the supervisor alone.
func serviceRunners() []*cobra.Command {
	return []*cobra.Command{{
		Use:    "run",
		Short:  "Run as a service; the service control manager starts it so",
		Hidden: true,
		Args:   noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return supervisor.Run(serviceName, func(calls supervisor.Calls) uint32 {
				return serveAsService(cmd, calls)
			})
		},
	}}
}

// serveAsService serves until it is told to end, and returns the exit code for
// the service control manager. That of a wrong configuration is 0: another start
// would not mend it, so none is to be tried.
func serveAsService(cmd *cobra.Command, calls supervisor.Calls) uint32 {
	events := openEvents()
	defer events.close()
	err := events.serve(cmd, calls)
	switch {
	case err == nil:
		events.write(supervisor.Info, "dvproxy has stopped.")
		return exitOK
	case errors.As(err, new(usageError)):
		events.write(supervisor.Error, "dvproxy cannot run as it is configured, and is not tried again by itself.\n\n"+err.Error())
		return exitOK
	}
	events.write(supervisor.Error, "dvproxy has ended with an error.\n\n"+err.Error())
	return exitFailed
}

func (e *events) serve(cmd *cobra.Command, calls supervisor.Calls) error {
	places, err := supervisor.New(serviceName).Places()
	if err != nil {
		return err
	}
	defaults := serviceDefaults(places)
	c, err := loadWith(cmd, defaults)
	if err != nil {
		return err
	}
	log, closeLog, err := openLog(e, c.Log)
	if err != nil {
		return err
	}
	defer closeLog()
	defer keepCrash(c.Log)()
	log.Logger = e.with(log.Logger)
	s, err := newService(calls.Told, c, log)
	if err != nil {
		return err
	}
	s.read = func() (*config.Config, error) { return read(cmd, defaults) }
	e.write(supervisor.Info, "dvproxy "+version()+" has started.\n\nIts log is in "+c.Log.File)
	calls.Running()
	return s.run(orders{told: calls.Told, atOnce: context.Background(), reload: calls.Reload})
}

// keepCrash lets what Go writes when it crashes go to a file beside the log,
// since there is nobody to see it.
func keepCrash(c config.Log) (restore func()) {
	f, err := os.OpenFile(filepath.Join(filepath.Dir(c.File), "crash.txt"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return func() {}
	}
	defer f.Close() // it is duplicated
	if debug.SetCrashOutput(f, debug.CrashOptions{}) != nil {
		return func() {}
	}
	return func() { _ = debug.SetCrashOutput(nil, debug.CrashOptions{}) }
}
