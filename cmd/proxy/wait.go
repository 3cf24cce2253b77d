package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func newWait() *cobra.Command {
	limit := 30 * time.Second
	cmd := &cobra.Command{
		Use:   "wait",
		Short: "Wait until a running dvproxy is ready",
		Long: `wait blocks until the dvproxy beside it is up and holds a token. It asks the admin
listener that --admin, DVPROXY_ADMIN or the file name, and needs no other setting. It
exits 0, or 1 at the limit with what it last saw.

  dvproxy wait --max 2m && exec /opt/nightly-import`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := newAdminClient(cmd)
			if err != nil {
				return err
			}
			return a.wait(cmd.Context(), limit)
		},
	}
	cmd.Flags().DurationVar(&limit, "max", limit, "longest wait")
	return cmd
}

// wait asks until dvproxy is ready. The error is what was last seen.
func (a *adminClient) wait(ctx context.Context, limit time.Duration) error {
	const between, each = 100 * time.Millisecond, 3 * time.Second
	begin, end := time.Now(), time.After(limit)
	for {
		err := a.ready(ctx, max(between, min(each, limit-time.Since(begin))))
		if err == nil {
			return nil
		}
		select {
		case <-time.After(between):
		case <-end:
			return fmt.Errorf("not within %v: %w", limit, err)
		case <-ctx.Done():
			return fmt.Errorf("interrupted: %w", err)
		}
	}
}
