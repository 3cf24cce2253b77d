package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"dvproxy/internal/simulator"
)

// tenant makes the tenant with its faults in place.
func (s settings) tenant() (*simulator.Tenant, error) {
	tenant := simulator.New(s.options)
	var wrong []error
	for _, f := range s.entraFaults {
		wrong = append(wrong, tenant.FailEntra(f))
	}
	for _, f := range s.dataverseFaults {
		wrong = append(wrong, tenant.FailDataverse(f))
	}
	return tenant, errors.Join(wrong...)
}

// announcement is what --json prints.
type announcement struct {
	EntraURL     string `json:"entra_url"`
	DataverseURL string `json:"dataverse_url"`
	GraphURL     string `json:"graph_url"`
	ControlURL   string `json:"control_url"`
	TenantID     string `json:"tenant_id"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// announce says where the tenant listens and how to sign in. The secret is
// printed on purpose: it opens this simulator and nothing else.
func announce(out io.Writer, server *simulator.Server, asJSON bool) error {
	a := announcement{
		server.EntraURL, server.DataverseURL, server.GraphURL, server.ControlURL,
		server.TenantID(), server.ClientID(), server.ClientSecret(),
	}
	if asJSON {
		return json.NewEncoder(out).Encode(a)
	}
	_, err := fmt.Fprintf(out, `A simulated tenant is ready. To let dvproxy use it, paste:

export DATAVERSE_URL='%s'
export AZURE_AUTHORITY_HOST='%s'
export AZURE_TENANT_ID='%s'
export AZURE_CLIENT_ID='%s'
export AZURE_CLIENT_SECRET='%s'

Graph: dvproxy lifetime show --graph-url %s
Control: curl %s/     Stop: Ctrl-C
`, a.DataverseURL, a.EntraURL, a.TenantID, a.ClientID, a.ClientSecret, a.GraphURL, a.ControlURL)
	return err
}
