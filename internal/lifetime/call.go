package lifetime

import (
	"net/http"
	"net/url"
	"time"
)

// A call is one request to Graph, before it is sent.
type call struct {
	method string
	path   string // under /v1.0
	body   any    // nil for none
	what   string // it does, for errors
	needs  string // the permission, for errors
}

// Permissions of Microsoft Graph, as its reference lists them for each call
// (source: microsoft-graph-docs, api-reference/v1.0/api).
const (
	readPrincipals = "Application.Read.All"
	readPolicies   = "Policy.Read.All"
	writePolicies  = "Policy.ReadWrite.ApplicationConfiguration"
	assignPolicies = "Policy.Read.All and Application.ReadWrite.All"
)

const (
	policiesPath  = "/policies/tokenLifetimePolicies"
	dataversePath = "/servicePrincipals(appId='" + DataverseAppID + "')"
	assignedPath  = dataversePath + "/tokenLifetimePolicies"
)

func policyPath(id string) string { return policiesPath + "/" + url.PathEscape(id) }

func getPrincipal() call {
	return call{http.MethodGet, dataversePath + "?$select=id,appId,displayName", nil, "find Dataverse's service principal", readPrincipals}
}

func listPolicies() call {
	return call{http.MethodGet, policiesPath, nil, "read the tenant's token lifetime policies", readPolicies}
}

// listAssigned needs the right to write, by the reference: where only reading
// is granted, listUses of each policy tells the same.
func listAssigned() call {
	return call{http.MethodGet, assignedPath, nil, "read the policy of Dataverse's service principal", assignPolicies}
}

func listUses(id string) call {
	return call{http.MethodGet, policyPath(id) + "/appliesTo", nil, "read what the policy applies to", readPolicies + " and " + readPrincipals}
}

type policyBody struct {
	Definition          []string `json:"definition"`
	DisplayName         string   `json:"displayName"`
	OrganizationDefault *bool    `json:"isOrganizationDefault,omitempty"`
}

func create(lifetime time.Duration) call {
	return call{http.MethodPost, policiesPath, policyBody{define(lifetime), Mark, new(bool)}, "create the policy", writePolicies}
}

func update(id string, lifetime time.Duration) call {
	return call{http.MethodPatch, policyPath(id), policyBody{Definition: define(lifetime), DisplayName: Mark}, "change the policy", writePolicies}
}

func remove(id string) call {
	return call{http.MethodDelete, policyPath(id), nil, "delete the policy", writePolicies}
}

type reference struct {
	ID string `json:"@odata.id"`
}

func assign(graph, id string) call {
	return call{http.MethodPost, assignedPath + "/$ref", reference{graph + version + policyPath(id)}, "assign the policy", assignPolicies}
}

func unassign(id string) call {
	return call{http.MethodDelete, assignedPath + "/" + url.PathEscape(id) + "/$ref", nil, "unassign the policy", assignPolicies}
}
