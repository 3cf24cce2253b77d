package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dvproxy/internal/manpage"
)

// newMan is for those who pack the program, so --help does not list it.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write a man page for each command into a folder",
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("say which folder the man pages go to: dvproxy man DIR")}
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil { //nolint:gosec // man pages are for all to read
				return err
			}
			for _, page := range manpage.Pages(cmd.Root(), version()) {
				if err := os.WriteFile(filepath.Join(args[0], page.File), page.Text, 0o644); err != nil { //nolint:gosec // as above
					return err
				}
			}
			return nil
		},
	}
}
