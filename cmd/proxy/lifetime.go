package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// lifetimeFlags are those that show, set and clear have in common.
type lifetimeFlags struct {
	environment  string
	graphURL     string
	tokenCommand string
}

func newLifetime() *cobra.Command {
	var f lifetimeFlags
	cmd := &cobra.Command{
		Use:   "lifetime",
		Short: "Show, set or clear the tenant's token lifetime policy for Dataverse",
		Long: `lifetime is the other road: a policy of the tenant that makes Dataverse's tokens
live longer, by Microsoft Graph. It is for administrators, and a stop-gap: it counts
for every client of every Dataverse environment of the tenant, a stolen token lives
longer too, it is a preview that needs Entra ID P1, and whether Entra honours it for
Dataverse is not promised anywhere. dvproxy serve needs none of it.

  dvproxy lifetime show            # what lifetime you get, and which policies there are
  dvproxy lifetime set 5h
  dvproxy lifetime clear           # takes back what set made, and nothing else

Graph is asked with the environment's own credential, whose application then needs
Policy.Read.All and Application.Read.All, for changes also
Policy.ReadWrite.ApplicationConfiguration and Application.ReadWrite.All; or with the
token that a command prints:

  dvproxy lifetime set 5h --graph-token-command \
    'az account get-access-token --resource https://graph.microsoft.com'

The command is run without a shell: white space parts its words, quotes keep them
together. See docs/lifetime.md.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_ = cmd.Help()
			return usageError{errors.New("say show, set or clear")}
		},
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.environment, "environment", "", "environment whose tenant it is about, by name; needed where the file has several tenants")
	flags.StringVar(&f.graphURL, "graph-url", "", "origin of Microsoft Graph (default: that of the environment's cloud)")
	flags.StringVar(&f.tokenCommand, "graph-token-command", "", "command that prints a token for Graph, in place of the environment's credential")
	cmd.AddCommand(newLifetimeShow(&f), newLifetimeSet(&f), newLifetimeClear(&f))
	return cmd
}
