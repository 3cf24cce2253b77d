package main

import (
	"time"

	"github.com/spf13/cobra"
)

func newHealthcheck() *cobra.Command {
	return &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running dvproxy once whether it is ready",
		Long: `healthcheck is for the HEALTHCHECK of a container, which has no shell and no curl. It
asks the admin listener that --admin, DVPROXY_ADMIN or the file name, and needs no
other setting. It exits 0 if dvproxy is ready, else 1 and says why not.

  HEALTHCHECK --start-period=30s CMD ["/dvproxy", "healthcheck"]`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := newAdminClient(cmd)
			if err != nil {
				return err
			}
			return a.ready(cmd.Context(), 3*time.Second)
		},
	}
}
