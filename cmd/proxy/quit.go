package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newQuit() *cobra.Command {
	return &cobra.Command{
		Use:   "quit",
		Short: "Ask a running dvproxy to drain and exit",
		Long: `quit is for a job whose dvproxy does not leave by itself, such as the other container
of a Kubernetes Job. That dvproxy has to allow it, by admin.quit: true or
DVPROXY_ADMIN_QUIT=true. It finishes what is in flight and exits 0; quit does not wait
for that. Where there is no dvproxy program at hand, this does the same:

  curl -X POST http://localhost:7081/quitquitquit`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := newAdminClient(cmd)
			if err != nil {
				return err
			}
			status, body, err := a.do(cmd.Context(), 5*time.Second, http.MethodPost, "/quitquitquit")
			switch {
			case err != nil:
				return err
			case status == http.StatusOK:
				return nil
			case status == http.StatusNotFound:
				return fmt.Errorf("what answers at %s is not dvproxy's admin listener", a.address)
			}
			const some = 300
			return fmt.Errorf("the dvproxy at %s did not do it (status %d): %s", a.address, status, strings.TrimSpace(string(body[:min(len(body), some)])))
		},
	}
}
