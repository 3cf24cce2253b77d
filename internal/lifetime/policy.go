package lifetime

import (
	"encoding/json"
	"strings"
	"time"
)

// Mark is the display name of the policy that dvproxy makes.
const Mark = "dvproxy: access tokens for Dataverse"

// Policy is a tokenLifetimePolicy of the tenant, as Graph has it.
type Policy struct {
	ID                  string   `json:"id"`
	DisplayName         string   `json:"displayName"`
	Definition          []string `json:"definition"`
	OrganizationDefault bool     `json:"isOrganizationDefault"`
}

// Ours tells whether dvproxy made the policy, and nobody has edited it since
// but for its lifetime.
func (p Policy) Ours() bool {
	if p.DisplayName != Mark || p.OrganizationDefault || len(p.Definition) != 1 {
		return false
	}
	decoder := json.NewDecoder(strings.NewReader(p.Definition[0]))
	decoder.DisallowUnknownFields()
	var d definition
	if decoder.Decode(&d) != nil || decoder.More() || d.Policy.Version != 1 {
		return false
	}
	_, ok := parseSpan(d.Policy.AccessTokenLifetime)
	return ok
}

// Edited tells whether the policy has the name of dvproxy's but is not as
// dvproxy makes it: somebody has edited it, and it is theirs.
func (p Policy) Edited() bool { return p.DisplayName == Mark && !p.Ours() }

// Lifetime is that of access tokens under the policy, 0 if it says none that
// can be read.
func (p Policy) Lifetime() time.Duration {
	for _, text := range p.Definition {
		var d definition
		if json.Unmarshal([]byte(text), &d) != nil {
			continue
		}
		if lifetime, ok := parseSpan(d.Policy.AccessTokenLifetime); ok {
			return lifetime
		}
	}
	return 0
}

// definition is the JSON that stands as text in a policy.
type definition struct {
	Policy struct {
		Version             int
		AccessTokenLifetime string
	} `json:"TokenLifetimePolicy"`
}

// define is the definition of dvproxy's policy.
func define(lifetime time.Duration) []string {
	var d definition
	d.Policy.Version, d.Policy.AccessTokenLifetime = 1, Span(lifetime)
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // a number and a string
	}
	return []string{string(text)}
}

// Principal is a service principal, or something else in the directory that a
// policy applies to.
type Principal struct {
	Type        string `json:"@odata.type"` // such as #microsoft.graph.servicePrincipal; may be empty
	ID          string `json:"id"`
	AppID       string `json:"appId"`
	DisplayName string `json:"displayName"`
}
