package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"dvproxy/internal/check"
	"dvproxy/internal/config"
)

func newCheck() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Sign in, make one call, and say what is wrong and how to mend it",
		Long: `check tries each environment step by step: settings, listener, DNS, TLS, clocks, the
sign-in and what its token is for, the certificate, and one WhoAmI. Each step that
fails says what to do about it. It changes nothing, and needs no running dvproxy.

  dvproxy check --config dvproxy.yaml
  dvproxy check --json | jq '.environments[].steps[] | select(.state=="failed")'

Exits 0 if no step failed, else 1.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(cmd)
			if err != nil {
				return err
			}
			return runCheck(cmd.Context(), c, cmd.OutOrStdout(), asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

// A checked environment, as --json shows it.
type checked struct {
	Name  string       `json:"name"`
	URL   string       `json:"url"`
	OK    bool         `json:"ok"`
	Steps []check.Step `json:"steps"`
}

var errCheckFailed = errors.New("the check found something to mend")

func runCheck(ctx context.Context, c *config.Config, stdout io.Writer, asJSON bool) error {
	var all []checked
	ok := true
	for _, ec := range c.Environments {
		e, err := checkable(ec, c.Warnings)
		if err != nil {
			return err
		}
		result := checked{Name: ec.Name, URL: ec.URL}
		if !asJSON {
			fmt.Fprintf(stdout, "%s  %s\n", ec.Name, ec.URL)
		}
		result.OK = check.Run(ctx, e, func(s check.Step) {
			result.Steps = append(result.Steps, s)
			if !asJSON {
				printStep(stdout, s)
			}
		})
		ok = ok && result.OK
		all = append(all, result)
	}
	if asJSON {
		out := json.NewEncoder(stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(struct {
			OK           bool      `json:"ok"`
			Environments []checked `json:"environments"`
		}{ok, all}); err != nil {
			return err
		}
	}
	if !ok {
		return errCheckFailed
	}
	return nil
}

func printStep(w io.Writer, s check.Step) {
	marks := map[check.State]string{check.OK: "✓", check.Warning: "!", check.Failed: "✗", check.Skipped: "-"}
	fmt.Fprintf(w, "  %s %-18s %s\n", marks[s.State], s.Name, s.Detail)
	if s.Remedy != "" {
		fmt.Fprintf(w, "    %-18s %s\n", "to mend it:", s.Remedy)
	}
}

// checkable is an environment as check wants it.
func checkable(c config.Environment, warnings config.Problems) (check.Environment, error) {
	e := check.Environment{Aliases: c.Aliases, TenantID: c.Credential.TenantID, Listen: c.Listen, Open: isOpen(c)}
	for _, w := range warnings {
		e.Warnings = append(e.Warnings, w.String())
	}
	var err error
	if e.URL, err = url.Parse(c.URL); err != nil {
		return e, fmt.Errorf("url: %w", err) // was checked with the configuration
	}
	if c.Credential.Way() != config.ByManagedIdentity {
		if e.Authority, err = url.Parse(c.Credential.TokenEndpoint()); err != nil {
			return e, fmt.Errorf("token endpoint: %w", err) // the same
		}
	}
	if e.Roots, err = c.Roots(); err != nil {
		return e, err
	}
	s, err := newSource(c.Credential, e.Roots, slog.New(slog.DiscardHandler))
	if err != nil { // of the machine, not of the configuration
		e.SignIn = func(context.Context) (string, time.Duration, error) { return "", 0, err }
		return e, nil
	}
	e.Expires = (&identity{source: s}).expires
	e.SignIn = func(ctx context.Context) (string, time.Duration, error) {
		token, err := s.Token(ctx, "")
		if err != nil {
			return "", 0, err
		}
		return token.AccessToken, time.Duration(token.ExpiresIn) * time.Second, nil
	}
	return e, nil
}
