package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"dvproxy/internal/config"
	"dvproxy/internal/lifetime"
)

func newLifetimeShow(f *lifetimeFlags) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Sign in, and show how long tokens live and which policies there are",
		Long: `show signs in for each environment and prints how long its token lives, beside what
Entra gives without a policy, and when dvproxy would renew it. Then, where Graph
allows, the policy of Dataverse's service principal, the organization's default, and
what else they apply to. Without the permission it names it, and still exits 0.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := load(cmd)
			if err != nil {
				return err
			}
			tenants, err := lifetimeTenants(c, *f)
			if err != nil {
				return err
			}
			report, failed := lifetimeReportOf(cmd.Context(), tenants)
			if asJSON {
				out := json.NewEncoder(cmd.OutOrStdout())
				out.SetEscapeHTML(false)
				out.SetIndent("", "  ")
				err = out.Encode(report)
			} else {
				report.write(cmd.OutOrStdout())
			}
			return errors.Join(failed, err)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// A lifetimeReport is what show prints. Names and meanings of its members are
// for programs to rely on.
type lifetimeReport struct {
	Environments []environmentLifetime `json:"environments"`
	Tenants      []tenantPolicies      `json:"tenants"`
}

type environmentLifetime struct {
	Name       string  `json:"name"`
	URL        string  `json:"url"`
	ExpiresIn  int64   `json:"expires_in,omitempty"` // seconds
	Default    [2]int  `json:"default_expires_in"`   // seconds, from and to
	RenewAt    float64 `json:"renew_at"`
	RenewAfter int64   `json:"renew_after,omitempty"` // seconds
	Error      string  `json:"error,omitempty"`
}

type tenantPolicies struct {
	Environments      []string     `json:"environments"`
	Graph             string       `json:"graph,omitempty"`
	Principal         string       `json:"service_principal_id,omitempty"`
	Assigned          []policyView `json:"assigned"` // to Dataverse's service principal
	Defaults          []policyView `json:"organization_defaults"`
	HalfDone          []policyView `json:"half_done"` // made by dvproxy, assigned to nothing
	MissingPermission string       `json:"missing_permission,omitempty"`
	Error             string       `json:"error,omitempty"`
	known             bool         // the policies were read
}

type policyView struct {
	ID            string   `json:"id"`
	DisplayName   string   `json:"display_name"`
	Lifetime      int64    `json:"access_token_lifetime"` // seconds; 0 if it says none
	MadeByDvproxy bool     `json:"made_by_dvproxy"`
	Edited        bool     `json:"edited"` // it has dvproxy's name, but is no longer as dvproxy makes it
	AppliesAlsoTo []string `json:"applies_also_to"`
}

// lifetimeReportOf signs in everywhere and reads the policies. The error says
// how much of it failed, for want of a permission apart.
func lifetimeReportOf(ctx context.Context, tenants []lifetimeTenant) (lifetimeReport, error) {
	var r lifetimeReport
	failures := 0
	for _, t := range tenants {
		for _, e := range t.environments {
			view := lifetimeOf(ctx, e)
			if view.Error != "" {
				failures++
			}
			r.Environments = append(r.Environments, view)
		}
		view := policiesOf(ctx, t)
		if view.Error != "" && view.MissingPermission == "" {
			failures++
		}
		r.Tenants = append(r.Tenants, view)
	}
	if failures > 0 {
		return r, fmt.Errorf("not all could be shown: %d of the sign-ins and look-ups failed", failures)
	}
	return r, nil
}

// lifetimeOf signs in to one environment.
func lifetimeOf(ctx context.Context, e config.Environment) environmentLifetime {
	view := environmentLifetime{
		Name: e.Name, URL: e.URL, RenewAt: e.RenewAt,
		Default: [2]int{int(lifetime.DefaultShortest.Seconds()), int(lifetime.DefaultLongest.Seconds())},
	}
	token, err := signIn(e, e.Credential.Scope)(ctx)
	if err != nil {
		view.Error = err.Error()
		return view
	}
	view.ExpiresIn = token.ExpiresIn
	// As the token cache does it, but for the jitter.
	view.RenewAfter = int64(float64(token.ExpiresIn) * e.RenewAt)
	if refresh, ok := token.Extra("refresh_in").(int64); ok {
		view.RenewAfter = min(view.RenewAfter, refresh)
	}
	return view
}

// policiesOf asks the Graph of one tenant.
func policiesOf(ctx context.Context, t lifetimeTenant) tenantPolicies {
	view := tenantPolicies{Graph: t.cloud.Graph, Assigned: []policyView{}, Defaults: []policyView{}, HalfDone: []policyView{}}
	for _, e := range t.environments {
		view.Environments = append(view.Environments, e.Name)
	}
	if t.cloudError != nil {
		view.Error = t.cloudError.Error()
		return view
	}
	state, err := t.graph(nil).Survey(ctx)
	if err != nil {
		view.Error = err.Error()
		var refused *lifetime.Error
		if errors.As(err, &refused) {
			view.MissingPermission = refused.Needs
		}
		return view
	}
	view.fill(state)
	return view
}

func (v *tenantPolicies) fill(s lifetime.State) {
	v.known = true
	v.Principal = s.Dataverse.ID
	v.Assigned = append(v.Assigned, viewPolicies(s, s.Assigned)...)
	v.Defaults = append(v.Defaults, viewPolicies(s, s.Defaults())...)
	v.HalfDone = append(v.HalfDone, viewPolicies(s, s.Idle())...)
}

func viewPolicies(s lifetime.State, policies []lifetime.Policy) (views []policyView) {
	for _, p := range policies {
		view := policyView{
			ID: p.ID, DisplayName: p.DisplayName, Lifetime: int64(p.Lifetime() / time.Second),
			MadeByDvproxy: p.Ours(), Edited: p.Edited(), AppliesAlsoTo: []string{},
		}
		for _, use := range s.Uses[p.ID] {
			view.AppliesAlsoTo = append(view.AppliesAlsoTo, use.String())
		}
		views = append(views, view)
	}
	return views
}
