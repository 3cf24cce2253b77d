package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"dvproxy/internal/config"
)

func newConfig() *cobra.Command {
	var example bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Print the effective configuration, secrets redacted",
		Long: `config prints what flags, variables, file and defaults make together, as a file
that sets everything. Secrets are redacted. It exits 2 and lists every mistake if
the configuration is wrong.

  (umask 077; dvproxy config --example > dvproxy.yaml)    # a file to start from`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example {
				_, err := fmt.Fprint(cmd.OutOrStdout(), config.Example())
				return err
			}
			c, err := load(cmd)
			if err != nil {
				return err
			}
			for _, w := range c.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
			}
			return c.WriteYAML(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&example, "example", false, "print a commented file with every setting instead")
	return cmd
}
