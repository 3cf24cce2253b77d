package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"dvproxy/internal/lifetime"
)

// A lifetimeChange is what set or clear is to do.
type lifetimeChange struct {
	want   time.Duration // 0 for clear
	yes    bool
	dryRun bool
	print  string
	wait   time.Duration
}

func (c *lifetimeChange) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask; needed where there is no terminal")
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, "read what stands there, and print the requests that would change it")
	cmd.Flags().StringVar(&c.print, "print", "", "print a script that does the same, az or powershell, and do nothing")
	cmd.Flags().DurationVar(&c.wait, "wait", 2*time.Minute, "longest wait for new tokens to show it; 0s looks once")
}

// run does it. Nothing is asked of Graph before the command line is found
// right.
func (c *lifetimeChange) run(cmd *cobra.Command, f lifetimeFlags) error {
	if err := c.check(); err != nil {
		return usageError{err}
	}
	configuration, err := load(cmd)
	if err != nil {
		return err
	}
	tenant, err := oneLifetimeTenant(configuration, f)
	if err != nil {
		return err
	}
	switch c.print {
	case "az":
		fmt.Fprint(cmd.OutOrStdout(), lifetime.AzScript(tenant.cloud, c.want))
		return nil
	case "powershell":
		fmt.Fprint(cmd.OutOrStdout(), lifetime.PowerShellScript(tenant.cloud, c.want))
		return nil
	}
	if !c.dryRun && !c.yes && !canAsk(cmd.InOrStdin()) {
		return errNeedsYes
	}
	return c.change(cmd, tenant)
}

func (c *lifetimeChange) check() error {
	switch {
	case c.print != "" && c.print != "az" && c.print != "powershell":
		return errors.New("--print takes az or powershell")
	case c.print != "" && c.dryRun:
		return errors.New("--print and --dry-run are two things; say one")
	case c.wait < 0:
		return errors.New("--wait must not be negative")
	}
	return nil
}

// change reads, plans, asks, changes, and waits until it shows.
func (c *lifetimeChange) change(cmd *cobra.Command, tenant lifetimeTenant) error {
	ctx, out, stderr := cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	graph := tenant.graph(func(what string) { fmt.Fprintf(stderr, "... %s\n", what) })
	state, err := graph.Survey(ctx)
	if err != nil {
		return err
	}
	var found tenantPolicies
	found.fill(state)
	fmt.Fprintln(out, "What stands in the tenant:")
	found.write(out)
	plan := graph.PlanClear(state)
	if c.want > 0 {
		if plan, err = graph.PlanSet(state, c.want); err != nil {
			return err
		}
	}
	for _, note := range plan.Notes {
		fmt.Fprintf(out, "Note: %s.\n", note)
	}
	switch {
	case plan.Empty() && c.want == 0:
		fmt.Fprintln(out, "There is nothing of dvproxy's to clear.")
		return nil
	case plan.Empty():
		fmt.Fprintf(out, "The policy says %s already; nothing is changed.\n", lifetime.Span(c.want))
	case c.dryRun:
		writeRequests(out, plan)
	default:
		if err := c.confirm(ctx, cmd.InOrStdin(), stderr); err != nil {
			return err
		}
		if err := graph.Apply(ctx, plan); err != nil {
			return err
		}
		fmt.Fprintln(out, c.done())
	}
	if c.dryRun {
		return nil
	}
	if c.want > 0 {
		fmt.Fprintf(out, "To take it back: %s\n", takeBack(cmd))
	}
	return c.watch(ctx, cmd, tenant, state)
}

func (c *lifetimeChange) done() string {
	if c.want > 0 {
		return fmt.Sprintf("The policy is set: access tokens for Dataverse live for %s.", lifetime.Span(c.want))
	}
	return "The policy is gone."
}

func writeRequests(out io.Writer, plan lifetime.Plan) {
	fmt.Fprintln(out, "What would be sent to Graph, each with Authorization: Bearer and a token:")
	for _, r := range plan.Requests() {
		fmt.Fprintf(out, "%s %s\n", r.Method, r.URL)
		if r.Body != "" {
			fmt.Fprintf(out, "  %s\n", r.Body)
		}
	}
	fmt.Fprintln(out, "Nothing was changed.")
}

// watch signs in until new tokens show the change.
func (c *lifetimeChange) watch(ctx context.Context, cmd *cobra.Command, tenant lifetimeTenant, before lifetime.State) error {
	done := func(got time.Duration) bool { return lifetime.Shows(got, c.want) }
	if c.want == 0 {
		was, shows := before.Effect()
		if !shows {
			return nil // tokens were as without a policy
		}
		done = func(got time.Duration) bool { return !lifetime.Shows(got, was) }
	}
	e := tenant.environments[0]
	got, err := lifetime.Until(ctx, tokensOf(signIn(e, e.Credential.Scope)), done, lifetime.Watch{
		Limit: c.wait,
		Progress: func(got, waited time.Duration) {
			fmt.Fprintf(cmd.ErrOrStderr(), "... a new token for %s still lives for %v (%v so far)\n", e.Name, got, waited.Round(time.Second))
		},
	})
	switch {
	case errors.Is(err, lifetime.ErrUnchanged) && c.want > 0:
		return fmt.Errorf("the policy is set, but after %v %w: it may take longer (dvproxy lifetime show), the organization's default policy may count before it, or Entra does not honour it for Dataverse; dvproxy lifetime clear takes it back", c.wait, err)
	case errors.Is(err, lifetime.ErrUnchanged):
		return fmt.Errorf("the policy is gone, but after %v %w: it may take longer; look with dvproxy lifetime show", c.wait, err)
	case err != nil:
		return fmt.Errorf("the change is made, but the wait for it to show ended: %w", err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "A new token for %s lives for %v (expires_in %d). Tokens issued before live as long as they did.\n", e.Name, got, int64(got.Seconds()))
	return nil
}
