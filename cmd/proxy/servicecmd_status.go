package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dvproxy/internal/config"
	"dvproxy/internal/supervisor"
)

func newServiceStatus(m supervisor.Manager) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say whether the service runs, and whether it is ready",
		Long: `status prints the state of the service, its process, how it ended the last time and
what it is started with. Where it runs, it asks the admin listener whether it is ready.

Exits 0 if the service runs and is not known to be unready, else 1.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := m.Status(cmd.Context())
			if err != nil {
				return err
			}
			return printServiceStatus(cmd.Context(), cmd.OutOrStdout(), s)
		},
	}
}

// errNotUp is said on standard output already.
var errNotUp = exitError{exitFailed, nil}

func printServiceStatus(ctx context.Context, w io.Writer, s supervisor.Status) error {
	line := func(key, value string) { fmt.Fprintf(w, "%-9s %s\n", key+":", value) }
	state := s.State
	if s.PID != 0 {
		state += fmt.Sprintf(" (process %d)", s.PID)
	}
	line("service", state)
	line("last end", cmp.Or(s.Exit, "-"))
	if s.Said != "" {
		line("status", s.Said)
	}
	line("command", strings.Join(s.Command, " "))
	if !s.Running {
		return errNotUp
	}
	a, err := adminOf(s.Command)
	if err != nil {
		line("ready", "not known: "+err.Error())
		return nil
	}
	if err := a.ready(ctx, 3*time.Second); err != nil {
		line("ready", "no: "+err.Error())
		return errNotUp
	}
	line("ready", "yes")
	return nil
}

// adminOf is for the admin listener of a dvproxy that was started with a command
// line.
func adminOf(command []string) (*adminClient, error) {
	given, err := flagsOf(command)
	if err != nil {
		return nil, err
	}
	a, err := config.LoadAdmin(config.Source{Args: given, Getenv: noVariables})
	if err != nil {
		return nil, err
	}
	return adminAt(a)
}

// checkInstalled looks at the configuration that the service is started with.
func checkInstalled(ctx context.Context, m supervisor.Manager) error {
	s, err := m.Status(ctx)
	if err != nil || s.Running || s.Foreign {
		return err
	}
	places, err := m.Places()
	if err != nil {
		return err
	}
	given, err := flagsOf(s.Command)
	if err != nil {
		return err
	}
	if f, err := os.Open(given["config"]); err == nil {
		_ = f.Close()
	} else if errors.Is(err, fs.ErrPermission) {
		return nil // then there is no right to start the service either, and that is what to say
	}
	_, err = config.Load(config.Source{
		Args: given, Getenv: noVariables, Defaults: serviceDefaults(places),
		WillBe: func(path string) bool { return willBeThere(path, places) },
	})
	if err != nil {
		return usageError{fmt.Errorf("the configuration is wrong, and nothing was started:\n%w", err)}
	}
	return nil
}

// flagsOf are the flags on a command line, by name.
func flagsOf(command []string) (map[string]string, error) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	for _, f := range config.Flags() {
		flags.String(f.Name, "", "")
	}
	if err := flags.Parse(command); err != nil {
		return nil, errors.New("the service is started with flags that are not dvproxy's; install it anew")
	}
	given := map[string]string{}
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
	return given, nil
}

// noVariables is the environment of a service, as far as it has one.
func noVariables(string) string { return "" }
