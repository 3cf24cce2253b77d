package simulator

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	graphPolicies = "/v1.0/policies/tokenLifetimePolicies"
	graphAssigned = "/v1.0/servicePrincipals(appId='" + dataverseApp + "')/tokenLifetimePolicies"
	fiveHours     = `{"definition":["{\"TokenLifetimePolicy\":{\"Version\":1,\"AccessTokenLifetime\":\"5:00:00\"}}"],"displayName":"five","isOrganizationDefault":false}`
)

// ask sends a request to Graph with a token for it.
func (b *bench) ask(method, path, body string) answer {
	b.t.Helper()
	r, err := http.NewRequest(method, b.GraphURL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.IssueToken(b.GraphURL))
	return exchange(r)
}

// policy makes a policy and returns its id.
func (b *bench) policy(body string) string {
	b.t.Helper()
	a := b.ask("POST", graphPolicies, body)
	if a.status != http.StatusCreated {
		b.t.Fatalf("%d %s", a.status, a.body)
	}
	return a.members(b.t)["id"].(string)
}

func refTo(b *bench, id string) string {
	return `{"@odata.id":"` + b.GraphURL + graphPolicies + "/" + id + `"}`
}

func TestGraphPolicyRulesTokens(t *testing.T) {
	b := newBench(t, Options{PolicyDelay: -1})
	expires := func() float64 {
		t.Helper()
		return b.post(v2Path, b.form()).members(t)["expires_in"].(float64)
	}
	if got := expires(); got != 3599 {
		t.Errorf("expires_in %v without a policy", got)
	}
	id := b.policy(fiveHours)
	if got := expires(); got != 3599 {
		t.Errorf("expires_in %v by a policy that is assigned to nothing", got)
	}
	if a := b.ask("POST", graphAssigned+"/$ref", refTo(b, id)); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := expires(); got != 5*3600 {
		t.Errorf("expires_in %v by a policy of 5 hours", got)
	}
	if got := b.post(v2Path, b.form("scope="+b.GraphURL+"/.default")).members(t)["expires_in"]; got != 3599.0 {
		t.Errorf("expires_in %v of a token for Graph", got)
	}
	b.policy(strings.NewReplacer("5:00:00", "2:00:00", "false", "true").Replace(fiveHours))
	if got := expires(); got != 2*3600 {
		t.Errorf("expires_in %v by the organization's default", got)
	}
	for _, p := range b.GraphPolicies() {
		if a := b.ask("DELETE", graphPolicies+"/"+p.ID, ""); a.status != http.StatusNoContent {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
	if got := expires(); got != 3599 {
		t.Errorf("expires_in %v after the policies are gone", got)
	}
}

func TestGraphPolicyTakesAWhile(t *testing.T) {
	key := sharedKey()
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Key: key})
		tenant.graph.mu.Lock()
		tenant.graph.policies = []GraphPolicy{{ID: "p", Definition: []string{`{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"5:00:00"}}`}}}
		tenant.graph.assigned[tenant.graph.principals[0].ID] = "p"
		tenant.graph.note(time.Now().Add(tenant.opts.PolicyDelay))
		tenant.graph.mu.Unlock()
		const resource = "https://contoso.crm.dynamics.com"
		time.Sleep(10*time.Second - time.Nanosecond)
		if got := tenant.lifetimeOf(resource, time.Now()); got != DefaultTokenLifetime {
			t.Errorf("%v too soon", got)
		}
		time.Sleep(time.Nanosecond)
		if got := tenant.lifetimeOf(resource, time.Now()); got != 5*time.Hour {
			t.Errorf("%v after 10 s", got)
		}
	})
}

func TestGraphRefusals(t *testing.T) {
	b := newBench(t, Options{})
	id, other := b.policy(fiveHours), b.policy(fiveHours)
	if a := b.ask("POST", graphAssigned+"/$ref", refTo(b, id)); a.status != http.StatusNoContent {
		t.Fatalf("%d %s", a.status, a.body)
	}
	tests := []struct {
		name               string
		method, path, body string
		status             int
		code               string
	}{
		{"a second policy", "POST", graphAssigned + "/$ref", refTo(b, other), 409, "Request_MultipleObjectsWithSameKeyValue"},
		{"the same policy", "POST", graphAssigned + "/$ref", refTo(b, id), 400, "Request_BadRequest"},
		{"no such policy", "POST", graphAssigned + "/$ref", refTo(b, newGUID()), 404, "Request_ResourceNotFound"},
		{"one that is not assigned", "DELETE", graphAssigned + "/" + other + "/$ref", "", 404, "Request_ResourceNotFound"},
		{"no such principal", "GET", "/v1.0/servicePrincipals(appId='x')", "", 404, "Request_ResourceNotFound"},
		{"a day", "POST", graphPolicies, strings.Replace(fiveHours, "5:00:00", "1.00:00:00", 1), 400, "Request_BadRequest"},
		{"nine minutes", "PATCH", graphPolicies + "/" + id, strings.Replace(fiveHours, "5:00:00", "0:09:00", 1), 400, "Request_BadRequest"},
		{"no name", "POST", graphPolicies, strings.Replace(fiveHours, "five", "", 1), 400, "Request_BadRequest"},
		{"no JSON", "POST", graphPolicies, "oops", 400, "Request_BadRequest"},
		{"another version", "GET", "/beta/policies/tokenLifetimePolicies", "", 400, "BadRequest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := b.GraphPolicies()
			b.ask(tt.method, tt.path, tt.body).want(t, tt.status, tt.code)
			if after := b.GraphPolicies(); len(after) != len(before) {
				t.Errorf("%d policies, want %d", len(after), len(before))
			}
		})
	}
}

func TestGraphPermissions(t *testing.T) {
	b := newBench(t, Options{})
	id := b.policy(fiveHours)
	const principal = "/v1.0/servicePrincipals(appId='" + dataverseApp + "')"
	for _, tt := range []struct {
		granted string
		may     string // calls, by the names below
	}{
		{"", ""},
		{"Policy.Read.All", "policies"},
		{"Application.Read.All", "principal"},
		{"Policy.Read.All Application.Read.All", "policies principal uses"},
		{"Policy.Read.All Application.ReadWrite.All", "policies principal uses assigned"},
		{"Policy.ReadWrite.ApplicationConfiguration", "policies change"},
	} {
		b.SetGraphPermissions(strings.Fields(tt.granted)...)
		for name, call := range map[string][2]string{
			"policies": {"GET", graphPolicies}, "principal": {"GET", principal}, "uses": {"GET", graphPolicies + "/" + id + "/appliesTo"},
			"assigned": {"GET", graphAssigned}, "change": {"PATCH", graphPolicies + "/" + id},
		} {
			a := b.ask(call[0], call[1], fiveHours)
			if may := strings.Contains(" "+tt.may+" ", " "+name+" "); may != (a.status < 300) || !may && a.errorCode() != "Authorization_RequestDenied" {
				t.Errorf("%q, %s: %d %s", tt.granted, name, a.status, a.body)
			}
		}
	}
}

func TestGraphTakesOnlyItsOwnTokens(t *testing.T) {
	b := newBench(t, Options{})
	dead := b.IssueToken(b.GraphURL)
	b.RevokeTokens()
	for name, header := range map[string]string{
		"none": "", "revoked": "Bearer " + dead, "for Dataverse": "Bearer " + b.IssueToken(b.DataverseURL), "not ours": "Bearer eyJ.eyJ.x",
	} {
		r, _ := http.NewRequest("GET", b.GraphURL+graphPolicies, nil)
		r.Header.Set("Authorization", header)
		a := exchange(r)
		if a.status != 401 || a.errorCode() != "InvalidAuthenticationToken" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestGraphFaults(t *testing.T) {
	b := newBench(t, Options{})
	for _, tt := range []struct {
		fault  string
		status int // 0: the connection breaks
		code   string
		made   int
	}{
		{`{"kind":"status","status":429,"retry_after":"2s","count":1}`, 429, "TooManyRequests", 0},
		{`{"kind":"status","status":503,"count":1}`, 503, "serviceNotAvailable", 0},
		{`{"kind":"reset","count":1}`, 0, "", 0},
		{`{"kind":"reset_after_execute","count":1}`, 0, "", 1},
		{`{"kind":"html","count":1}`, 200, "", 0},
	} {
		b.control("DELETE /faults/graph")
		if a := b.control("POST /faults/graph " + tt.fault); a.status != 204 {
			t.Fatalf("%s: %d %s", tt.fault, a.status, a.body)
		}
		before := len(b.GraphPolicies())
		a := b.ask("POST", graphPolicies, fiveHours)
		if a.status != tt.status || tt.status != 0 && a.errorCode() != tt.code || len(b.GraphPolicies())-before != tt.made {
			t.Errorf("%s: %d %s %v, made %d", tt.fault, a.status, a.body, a.err, len(b.GraphPolicies())-before)
		}
	}
	if a := b.control("PUT /graph/permissions " + `{"granted":[]}`); a.status != 204 {
		t.Errorf("%d %s", a.status, a.body)
	}
	b.ask("GET", graphPolicies, "").want(t, 403, "Authorization_RequestDenied")
	if a := b.control("GET /graph/policies"); !strings.Contains(a.body, `"displayName":"five"`) {
		t.Errorf("%s", a.body)
	}
}
