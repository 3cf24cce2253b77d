package main

import (
	"errors"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"dvproxy/internal/lifetime"
)

func newLifetimeSet(f *lifetimeFlags) *cobra.Command {
	var change lifetimeChange
	cmd := &cobra.Command{
		Use:   "set LIFETIME",
		Short: "Make Dataverse's tokens live for LIFETIME, in the whole tenant",
		Long: `set makes a policy of 10 minutes to 24 hours (5h, 90m, 05:00:00) and assigns it to
Dataverse's service principal, or changes the one that it made earlier. A policy of
somebody else's is never changed: if Dataverse has one, set names it and stops. Then
it signs in until new tokens show the lifetime, for up to --wait.

It asks before it changes anything, and needs --yes where there is no terminal.

  dvproxy lifetime set 5h --dry-run            # read, and print what would be sent
  dvproxy lifetime set 5h --print az           # print az rest lines; asks nobody
  dvproxy lifetime set 5h --print powershell`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{errors.New("say one lifetime, such as 5h")}
			}
			_, err := lifetime.Parse(args[0])
			return usage(err)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if change.want, err = lifetime.Parse(args[0]); err != nil {
				return usageError{err}
			}
			return change.run(cmd, *f)
		},
	}
	change.flags(cmd)
	// To a parser of flags -1h is one.
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if text := negative.FindString(err.Error()); text != "" {
			_, err := lifetime.Parse(strings.TrimSpace(text))
			return usage(err)
		}
		return cmd.Parent().FlagErrorFunc()(c, err)
	})
	return cmd
}

// negative is the part of a flag error that holds a lifetime below zero.
var negative = regexp.MustCompile(` -[0-9][0-9a-z.:]*$`)

func newLifetimeClear(f *lifetimeFlags) *cobra.Command {
	var change lifetimeChange
	cmd := &cobra.Command{
		Use:   "clear",
		Short: "Take back what lifetime set made, and nothing else",
		Long: `clear unassigns and deletes the policy that set made, half-done ones too, and says so
when there is none. What somebody else made stays. Tokens that were issued live on.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return change.run(cmd, *f) },
	}
	change.flags(cmd)
	return cmd
}

// usage makes a mistake in the command line of an error, if it is one.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return usageError{err}
}
