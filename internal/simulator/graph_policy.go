package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// GraphPolicy is a token lifetime policy of the tenant.
type GraphPolicy struct {
	ID                  string   `json:"id"`
	Deleted             *string  `json:"deletedDateTime"` // always nil
	Definition          []string `json:"definition"`
	DisplayName         string   `json:"displayName"`
	OrganizationDefault bool     `json:"isOrganizationDefault"`
}

// Permissions, by what they are good for (source: microsoft-graph-docs,
// api-reference/v1.0/api).
var (
	seePolicies      = []string{"Policy.Read.All", "Policy.Read.ApplicationConfiguration", "Policy.ReadWrite.ApplicationConfiguration"}
	changePolicies   = []string{"Policy.ReadWrite.ApplicationConfiguration"}
	seePrincipals    = []string{"Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All"}
	changePrincipals = []string{"Application.ReadWrite.All"}
)

// policyCall is a call on policies; rest is what follows in the path.
func (d *directory) policyCall(method, rest string, body []byte) graphAnswer {
	id, appliesTo := rest, false
	if i := len(rest) - len("/appliesTo"); i > 0 && rest[i:] == "/appliesTo" {
		id, appliesTo = rest[:i], true
	}
	i := d.find(id)
	needs := changePolicies
	if method == http.MethodGet {
		needs = seePolicies
	}
	switch {
	case !d.may(needs), appliesTo && !d.may(seePrincipals):
		return denied()
	case id == "" && method == http.MethodGet:
		return graphList(d.policies)
	case id == "" && method == http.MethodPost:
		return d.createPolicy(body)
	case id == "":
		return notAllowed()
	case i < 0:
		return noObject(id)
	case appliesTo && method == http.MethodGet:
		return graphList(d.uses(id))
	case method == http.MethodGet:
		return graphAnswer{http.StatusOK, d.policies[i]}
	case method == http.MethodPatch:
		return d.updatePolicy(i, body)
	case method == http.MethodDelete:
		d.policies = slices.Delete(d.policies, i, i+1)
		for principal, policy := range d.assigned {
			if policy == id {
				delete(d.assigned, principal)
			}
		}
		return graphAnswer{http.StatusNoContent, nil}
	}
	return notAllowed()
}

func graphList[T any](values []T) graphAnswer {
	return graphAnswer{http.StatusOK, map[string]any{"value": append([]T{}, values...)}}
}

func (d *directory) find(id string) int {
	return slices.IndexFunc(d.policies, func(p GraphPolicy) bool { return p.ID == id })
}

func (d *directory) createPolicy(body []byte) graphAnswer {
	p := GraphPolicy{ID: newGUID()}
	if refusal := d.readPolicy(body, &p); refusal != "" {
		return badGraph(refusal)
	}
	d.policies = append(d.policies, p)
	return graphAnswer{http.StatusCreated, p}
}

func (d *directory) updatePolicy(i int, body []byte) graphAnswer {
	p := d.policies[i]
	if refusal := d.readPolicy(body, &p); refusal != "" {
		return badGraph(refusal)
	}
	d.policies[i] = p
	return graphAnswer{http.StatusNoContent, nil}
}

// readPolicy puts what a body says into p, and says what is wrong with it.
func (d *directory) readPolicy(body []byte, p *GraphPolicy) string {
	in := struct {
		Definition          []string `json:"definition"`
		DisplayName         string   `json:"displayName"`
		OrganizationDefault bool     `json:"isOrganizationDefault"`
	}{p.Definition, p.DisplayName, p.OrganizationDefault}
	if json.Unmarshal(body, &in) != nil {
		return "Unable to read JSON request payload."
	}
	other := func(o GraphPolicy) bool { return o.OrganizationDefault && o.ID != p.ID }
	switch {
	case in.DisplayName == "":
		return "A value is required for property 'displayName' of resource 'tokenLifetimePolicy'."
	case len(in.Definition) != 1 || definedLifetime(in.Definition[0]) == 0:
		return "Property definition has an invalid value."
	case in.OrganizationDefault && slices.ContainsFunc(d.policies, other):
		return "There can be only one organization default policy of this type."
	}
	p.Definition, p.DisplayName, p.OrganizationDefault = slices.Clone(in.Definition), in.DisplayName, in.OrganizationDefault
	return ""
}

// timeSpan is .NET's without fractions.
var timeSpan = regexp.MustCompile(`^(?:(\d+)\.)?(\d|[01]\d|2[0-3]):([0-5]\d):([0-5]\d)$`)

// definedLifetime is the access token lifetime of a definition, 0 if it has
// none or one that Entra does not take: from 10 minutes to a second less than a
// day.
func definedLifetime(definition string) time.Duration {
	var in struct {
		Policy struct {
			Version             int
			AccessTokenLifetime string
		} `json:"TokenLifetimePolicy"`
	}
	if json.NewDecoder(bytes.NewReader([]byte(definition))).Decode(&in) != nil || in.Policy.Version != 1 {
		return 0
	}
	m := timeSpan.FindStringSubmatch(in.Policy.AccessTokenLifetime)
	if m == nil {
		return 0
	}
	var seconds int64
	for i, unit := range []int64{86400, 3600, 60, 1} {
		n, _ := strconv.ParseInt(m[i+1], 10, 32) // digits, or none for no days
		seconds += n * unit
	}
	lifetime := time.Duration(seconds) * time.Second
	if lifetime < 10*time.Minute || lifetime >= 24*time.Hour {
		return 0
	}
	return lifetime
}
