package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"dvproxy/internal/lifetime"
)

// write prints the report for people.
func (r lifetimeReport) write(w io.Writer) {
	for _, e := range r.Environments {
		fmt.Fprintf(w, "%s (%s)\n", e.Name, e.URL)
		if e.Error != "" {
			fmt.Fprintf(w, "  sign-in failed: %s\n", e.Error)
			continue
		}
		fmt.Fprintf(w, "  a new token lives for  %v (expires_in %d); without a policy Entra gives %.0f to %.0f minutes\n",
			seconds(e.ExpiresIn), e.ExpiresIn, lifetime.DefaultShortest.Minutes(), lifetime.DefaultLongest.Minutes())
		fmt.Fprintf(w, "  dvproxy renews after   %v, give or take a tenth (renew_at %v)\n", seconds(e.RenewAfter), e.RenewAt)
	}
	for _, t := range r.Tenants {
		fmt.Fprintf(w, "\nTenant of %s", strings.Join(t.Environments, ", "))
		if t.Graph != "" {
			fmt.Fprintf(w, ", by %s", t.Graph)
		}
		fmt.Fprintln(w)
		t.write(w)
	}
}

func (v tenantPolicies) write(w io.Writer) {
	switch {
	case v.MissingPermission != "":
		fmt.Fprintf(w, "  the policies are not known, for want of the permission %s\n  %s\n", v.MissingPermission, v.Error)
		return
	case v.Error != "":
		fmt.Fprintf(w, "  the policies are not known: %s\n", v.Error)
		return
	case !v.known:
		return
	}
	writePolicies(w, "policy of Dataverse", v.Assigned, "none")
	writePolicies(w, "organization's default", v.Defaults, "none")
	writePolicies(w, "half done", v.HalfDone, "")
}

// writePolicies prints some policies, or what stands for none.
func writePolicies(w io.Writer, what string, policies []policyView, none string) {
	if len(policies) == 0 && none != "" {
		fmt.Fprintf(w, "  %-22s  %s\n", what, none)
	}
	for _, p := range policies {
		says, by := "no access token lifetime that dvproxy can read", "not dvproxy's"
		if p.Lifetime > 0 {
			says = seconds(p.Lifetime).String()
		}
		switch {
		case p.MadeByDvproxy:
			by = "made by dvproxy"
		case p.Edited:
			by = "named as dvproxy's, but edited since: not dvproxy's to change"
		}
		fmt.Fprintf(w, "  %-22s  %q: %s, %s (id %s)\n", what, p.DisplayName, says, by, p.ID)
		for _, use := range p.AppliesAlsoTo {
			fmt.Fprintf(w, "  %-22s  also to %s\n", "", use)
		}
	}
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }
