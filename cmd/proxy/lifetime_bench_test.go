package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// A lifetimeBench is a tenant, and dvproxy lifetime that is set up for it.
type lifetimeBench struct {
	*simulator.Server
	t *testing.T
}

func newLifetimeBench(t *testing.T) lifetimeBench {
	t.Helper()
	s, err := simulator.Start(simulator.Options{PolicyDelay: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for name, value := range map[string]string{
		"DATAVERSE_URL": s.DataverseURL, "AZURE_AUTHORITY_HOST": s.EntraURL, "AZURE_TENANT_ID": s.TenantID(),
		"AZURE_CLIENT_ID": s.ClientID(), "AZURE_CLIENT_SECRET": s.ClientSecret(), "AZURE_CLIENT_SECRET_FILE": "", "DVPROXY_CONFIG": "",
	} {
		t.Setenv(name, value)
	}
	return lifetimeBench{s, t}
}

// said is what a run printed, and how it ended.
type said struct {
	code           int
	stdout, stderr string
}

// lifetime runs a command line; args are parted by white space.
func (b lifetimeBench) lifetime(args string) said {
	b.t.Helper()
	var stdout, stderr strings.Builder
	words := append([]string{"lifetime"}, strings.Fields(args)...)
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	s := said{run(ctx, append(words, "--graph-url", b.GraphURL), &stdout, &stderr), "", ""}
	s.stdout, s.stderr = stdout.String(), stderr.String()
	if strings.Contains(s.stdout+s.stderr, "eyJ") || strings.Contains(s.stdout+s.stderr, b.ClientSecret()) {
		b.t.Errorf("%s: a token or the secret shows:\n%s%s", args, s.stdout, s.stderr)
	}
	return s
}

func (s said) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if s.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", s.code, code, s.stdout, s.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(s.stdout+s.stderr, text) {
			t.Errorf("%q is not in\n%s%s", text, s.stdout, s.stderr)
		}
	}
}

// graph sends a request to Graph, as somebody else would.
func (b lifetimeBench) graph(method, path, body string) map[string]any {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.GraphURL+"/v1.0"+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.IssueToken(b.GraphURL))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode > 299 {
		b.t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, answer)
	}
	var members map[string]any
	_ = json.Unmarshal(answer, &members)
	return members
}

const (
	dataversePolicy = "/servicePrincipals(appId='00000007-0000-0000-c000-000000000000')/tokenLifetimePolicies/$ref"
	contoso         = `{"displayName":"Contoso","definition":["{\"TokenLifetimePolicy\":{ \"Version\":1, \"AccessTokenLifetime\":\"04:00:00\" }}"],"isOrganizationDefault":%v}`
)

// foreign makes a policy that is not dvproxy's, and assigns it at a path.
func (b lifetimeBench) foreign(assign string, isDefault bool) (id string) {
	b.t.Helper()
	id = b.graph("POST", "/policies/tokenLifetimePolicies", fmt.Sprintf(contoso, isDefault))["id"].(string)
	if assign != "" {
		b.graph("POST", assign, `{"@odata.id":"`+b.GraphURL+`/v1.0/policies/tokenLifetimePolicies/`+id+`"}`)
	}
	return id
}
