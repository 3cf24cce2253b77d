package lifetime

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// State is what stands in a tenant.
type State struct {
	Dataverse Principal // its service principal
	Policies  []Policy  // all of the tenant

	// Assigned are the policies of Dataverse's service principal: none, or one.
	Assigned []Policy

	// Uses says what else a policy applies to than Dataverse, by the policy's id:
	// for those that are assigned, the organization's default, and dvproxy's own.
	Uses map[string][]Principal
}

// Defaults are the organization's default policies.
func (s State) Defaults() (defaults []Policy) {
	for _, p := range s.Policies {
		if p.OrganizationDefault {
			defaults = append(defaults, p)
		}
	}
	return defaults
}

// assigned tells whether a policy is Dataverse's.
func (s State) assigned(id string) bool {
	return slices.ContainsFunc(s.Assigned, func(p Policy) bool { return p.ID == id })
}

// foreign is the policy of somebody else's that Dataverse has, if there is one.
func (s State) foreign() (Policy, bool) {
	i := slices.IndexFunc(s.Assigned, func(p Policy) bool { return !p.Ours() })
	if i < 0 {
		return Policy{}, false
	}
	return s.Assigned[i], true
}

// Idle are the policies of dvproxy's that apply to nothing: half-done work.
func (s State) Idle() (idle []Policy) {
	for _, p := range s.Policies {
		if p.Ours() && !s.assigned(p.ID) && len(s.Uses[p.ID]) == 0 {
			idle = append(idle, p)
		}
	}
	return idle
}

// Survey reads what stands in the tenant, and changes nothing. It takes
// Policy.Read.All and Application.Read.All. The error is as that of a call.
func (g *Graph) Survey(ctx context.Context) (State, error) {
	s := State{Uses: map[string][]Principal{}}
	if err := g.do(ctx, getPrincipal(), &s.Dataverse); err != nil {
		return State{}, err
	}
	if s.Dataverse.ID == "" {
		return State{}, notGraph(g.origin, getPrincipal(), http.StatusOK)
	}
	var err error
	if s.Policies, err = list[Policy](ctx, g, listPolicies()); err != nil {
		return State{}, err
	}
	look := func(p Policy) bool { return p.Ours() || p.OrganizationDefault || s.assigned(p.ID) }
	s.Assigned, err = list[Policy](ctx, g, listAssigned())
	var e *Error
	byUses := errors.As(err, &e) && e.Status == http.StatusForbidden
	if err != nil && !byUses {
		return State{}, err
	}
	for _, p := range s.Policies {
		if !byUses && !look(p) {
			continue
		}
		uses, err := list[Principal](ctx, g, listUses(p.ID))
		if err != nil {
			return State{}, err
		}
		isDataverse := func(use Principal) bool { return use.ID == s.Dataverse.ID }
		if byUses && slices.ContainsFunc(uses, isDataverse) {
			s.Assigned = append(s.Assigned, p)
		}
		s.Uses[p.ID] = slices.DeleteFunc(uses, isDataverse)
	}
	return s, nil
}

// Effect is the lifetime that dvproxy's policy gives Dataverse's tokens. It
// shows if it is assigned, and cannot be taken for what Entra gives without a
// policy.
func (s State) Effect() (lifetime time.Duration, shows bool) {
	for _, p := range s.Assigned {
		if p.Ours() {
			d := p.Lifetime()
			return d, d < DefaultShortest-tolerance || d > DefaultLongest+tolerance
		}
	}
	return 0, false
}
