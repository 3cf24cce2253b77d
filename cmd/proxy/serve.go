package main

import (
	"github.com/spf13/cobra"

	"dvproxy/internal/config"
)

func newServe() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the proxy",
		Long: `serve listens at once and keeps trying to sign in, so it may be started before the
network is there; http://localhost:7081/readyz answers 200 as soon as it holds a token.
On SIGTERM or SIGINT it serves on for drain.delay, stops accepting, answers what it
holds back with 503, lets what is in flight finish (up to drain.timeout) and exits 0.
A second such signal (not the same one sent twice in a row) ends it at once, with 1.

On SIGHUP it reads the configuration again. If there is a mistake in it, that is logged
and nothing changes; else requests from then on have the new settings, those in flight
finish on the old ones, and listeners that stay keep their connections.

  DATAVERSE_URL=https://contoso.crm.dynamics.com AZURE_TENANT_ID=... \
  AZURE_CLIENT_ID=... AZURE_CLIENT_SECRET_FILE=/run/secrets/dataverse dvproxy serve
  dvproxy serve --config dvproxy.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			orders, release := ordersBySignal(cmd.Context())
			defer release()
			c, err := load(cmd)
			if err != nil {
				return err
			}
			log, closeLog, err := openLog(cmd.ErrOrStderr(), c.Log)
			if err != nil {
				return err
			}
			defer closeLog()
			s, err := newService(orders.told, c, log)
			if err != nil {
				return err
			}
			s.read = func() (*config.Config, error) { return read(cmd, nil) }
			return s.run(orders)
		},
	}
}
