package simulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// directory is what Graph knows: the policies, two service principals, and what
// the application may do.
type directory struct {
	mu         sync.Mutex // guards what follows
	policies   []GraphPolicy
	principals []graphPrincipal
	assigned   map[string]string // principal's id to policy's
	granted    []string
	effects    []policyEffect
}

type graphPrincipal struct {
	Type        string `json:"@odata.type"`
	ID          string `json:"id"`
	AppID       string `json:"appId"`
	DisplayName string `json:"displayName"`
}

// policyEffect is the lifetime that policies give Dataverse's tokens from a
// time on, 0 for none.
type policyEffect struct {
	from     time.Time
	lifetime time.Duration
}

func newDirectory(clientID, objectID string) *directory {
	const kind = "#microsoft.graph.servicePrincipal"
	return &directory{
		principals: []graphPrincipal{
			{kind, newGUID(), dataverseApp, "Dataverse"},
			{kind, objectID, clientID, "Nightly import"},
		},
		assigned: map[string]string{},
		granted:  slices.Concat(changePolicies, []string{"Policy.Read.All"}, changePrincipals),
	}
}

// principalCall is a call on a service principal; rest is what follows in the
// path, a key in one of two forms first.
func (d *directory) principalCall(method, rest string, body []byte) graphAnswer {
	byApp := strings.HasPrefix(rest, "(appId='")
	key, rest, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	key = strings.TrimSuffix(strings.TrimPrefix(key, "(appId='"), "')")
	i := slices.IndexFunc(d.principals, func(p graphPrincipal) bool { return byApp && p.AppID == key || !byApp && p.ID == key })
	policy, isRef := strings.CutSuffix(strings.TrimPrefix(rest, "tokenLifetimePolicies"), "/$ref")
	policy = strings.TrimPrefix(policy, "/")
	switch {
	case rest == "" && !d.may(seePrincipals), rest != "" && !d.may(seePolicies, changePrincipals):
		return denied()
	case i < 0:
		return noObject(key)
	case rest == "" && method == http.MethodGet:
		return graphAnswer{http.StatusOK, d.principals[i]}
	case !strings.HasPrefix(rest, "tokenLifetimePolicies"):
		return badGraph("Resource not found for the segment '" + rest + "'.")
	case !isRef && policy == "" && method == http.MethodGet:
		return graphList(d.of(d.principals[i].ID))
	case isRef && policy == "" && method == http.MethodPost:
		return d.assign(d.principals[i].ID, body)
	case isRef && policy != "" && method == http.MethodDelete:
		if d.assigned[d.principals[i].ID] != policy {
			return noObject(policy)
		}
		delete(d.assigned, d.principals[i].ID)
		return graphAnswer{http.StatusNoContent, nil}
	}
	return notAllowed()
}

// of are the policies of a principal: none, or one.
func (d *directory) of(principal string) []GraphPolicy {
	if i := d.find(d.assigned[principal]); i >= 0 {
		return d.policies[i : i+1]
	}
	return nil
}

// uses are the principals that have a policy.
func (d *directory) uses(policy string) (uses []graphPrincipal) {
	for _, p := range d.principals {
		if d.assigned[p.ID] == policy {
			uses = append(uses, p)
		}
	}
	return uses
}

// assign gives a principal a policy. A second one, and the same again, are
// refused in different ways (source: microsoft-graph-docs-contrib, issue 1114).
func (d *directory) assign(principal string, body []byte) graphAnswer {
	var in struct {
		ID string `json:"@odata.id"`
	}
	if json.Unmarshal(body, &in) != nil || in.ID == "" {
		return badGraph("Unable to read JSON request payload.")
	}
	_, id, ok := strings.Cut(in.ID, graphVersion+policiesUnder+"/")
	switch now := d.assigned[principal]; {
	case !ok || d.find(id) < 0:
		return noObject(id)
	case now == id:
		return badGraph("One or more added object references already exist for the following modified properties: 'policies'.")
	case now != "":
		return refuseGraph(http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue",
			"Request contains property changes that would result in property-uniqueness violation(s). Please retry your request with corrected values.")
	}
	d.assigned[principal] = id
	return graphAnswer{http.StatusNoContent, nil}
}

// note remembers what the policies come to, from a time on. An organization's
// default counts first (source: Microsoft Entra, Configurable token lifetimes).
func (d *directory) note(from time.Time) {
	var now time.Duration
	for _, p := range slices.Concat(d.of(d.principals[0].ID), d.policies) {
		if p.OrganizationDefault || now == 0 && d.assigned[d.principals[0].ID] == p.ID {
			now = definedLifetime(p.Definition[0])
		}
	}
	if n := len(d.effects); n == 0 && now != 0 || n > 0 && d.effects[n-1].lifetime != now {
		d.effects = append(d.effects, policyEffect{from, now})
	}
}

// effect is the lifetime that policies give Dataverse's tokens now, 0 if they
// say nothing.
func (d *directory) effect(now time.Time) (lifetime time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.effects {
		if !e.from.After(now) {
			lifetime = e.lifetime
		}
	}
	return lifetime
}

// GraphPolicies are the tenant's token lifetime policies, in the order in which
// they were made.
func (t *Tenant) GraphPolicies() []GraphPolicy {
	t.graph.mu.Lock()
	defer t.graph.mu.Unlock()
	return append([]GraphPolicy{}, t.graph.policies...)
}

// GraphAssigned are the ids of policies by the id of the application that has
// them.
func (t *Tenant) GraphAssigned() map[string]string {
	t.graph.mu.Lock()
	defer t.graph.mu.Unlock()
	assigned := map[string]string{}
	for _, p := range t.graph.principals {
		if policy, ok := t.graph.assigned[p.ID]; ok {
			assigned[p.AppID] = policy
		}
	}
	return assigned
}

// SetGraphPermissions replaces the application's permissions of Graph, such as
// Policy.Read.All. At first it has all that changing policies takes.
func (t *Tenant) SetGraphPermissions(granted ...string) {
	t.graph.mu.Lock()
	defer t.graph.mu.Unlock()
	t.graph.granted = slices.Clone(granted)
}
