package simulator

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestTokenRefusals(t *testing.T) {
	b := newBench(t, Options{})
	for _, tt := range []struct {
		name   string
		path   string
		form   url.Values
		status int
		err    string
		code   float64
	}{
		{"no grant_type", v2Path, b.form("grant_type"), 400, "invalid_request", 900144},
		{"other grant", v2Path, b.form("grant_type=password"), 400, "unsupported_grant_type", 70003},
		{"no client_id", v2Path, b.form("client_id"), 400, "invalid_request", 900144},
		{"unknown tenant", "/contoso.example/oauth2/v2.0/token", b.form(), 400, "invalid_request", 90002},
		{"unknown application", v2Path, b.form("client_id=" + DefaultTenantID), 400, "unauthorized_client", 700016},
		{"no secret", v2Path, b.form("client_secret"), 401, "invalid_client", 7000218},
		{"wrong secret", v2Path, b.form("client_secret=guess"), 401, "invalid_client", 7000215},
		{"assertion without a type", v2Path, b.form("client_secret", "client_assertion=a.b.c"), 400, "invalid_request", 900144},
		{"no scope", v2Path, b.form("scope"), 400, "invalid_request", 900144},
		{"scope of a user", v2Path, b.form("scope=" + b.DataverseURL + "/user_impersonation"), 400, "invalid_scope", 70011},
		{"two scopes", v2Path, b.form("scope=openid " + b.DataverseURL + "/.default"), 400, "invalid_scope", 70011},
		{"unknown resource", v2Path, b.form("scope=https://fabrikam.crm.dynamics.com/.default"), 400, "invalid_resource", 500011},
		{"claims that are no JSON", v2Path, b.form("claims={"), 400, "invalid_request", 9000410},
		{"version 1 without resource", "/" + DefaultTenantID + "/oauth2/token", b.form(), 400, "invalid_request", 900144},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := b.post(tt.path, tt.form)
			body := a.members(t)
			codes, _ := body["error_codes"].([]any)
			if a.status != tt.status || body["error"] != tt.err || len(codes) != 1 || codes[0] != tt.code {
				t.Errorf("%d %s, want %d %s %v", a.status, a.body, tt.status, tt.err, tt.code)
			}
			text, _ := body["error_description"].(string)
			if !strings.HasPrefix(text, "AADSTS") || strings.ContainsAny(text, "\r\n") || !strings.Contains(text, " Trace ID: "+body["trace_id"].(string)+" Correlation ID: ") {
				t.Errorf("error_description %q", text)
			}
		})
	}
}

func TestTokenEndpointTakesPostOnly(t *testing.T) {
	b := newBench(t, Options{})
	r, _ := http.NewRequest("GET", b.EntraURL+v2Path, nil)
	if a := exchange(r); a.status != 400 || !strings.Contains(a.body, "AADSTS900561") {
		t.Errorf("GET: %d %s", a.status, a.body)
	}
	if a := b.post("/elsewhere", b.form()); a.status != 404 {
		t.Errorf("other path: %d", a.status)
	}
}

func TestTokenVersion2(t *testing.T) {
	b := newBench(t, Options{TokenLifetime: 90*time.Second + 900*time.Millisecond})
	a := b.post(v2Path, b.form())
	body := a.members(t)
	if a.status != 200 || body["expires_in"] != 90.0 || body["ext_expires_in"] != 90.0 || body["token_type"] != "Bearer" || len(body) != 4 {
		t.Errorf("%d %s", a.status, a.body)
	}
	b.token, _ = body["access_token"].(string)
	if a := b.data("GET", "/api/data/v9.2/WhoAmI", ""); a.status != 200 {
		t.Errorf("WhoAmI with it: %d", a.status)
	}
}

func TestTokenLifetimeUnderASecondIsSaidAsOne(t *testing.T) {
	b := newBench(t, Options{TokenLifetime: 200 * time.Millisecond})
	if body := b.post(v2Path, b.form()).members(t); body["expires_in"] != 1.0 {
		t.Errorf("expires_in %v, want 1", body["expires_in"])
	}
}

func TestTokenVersion1AnswersStrings(t *testing.T) {
	b := newBench(t, Options{})
	resource := b.DataverseURL + "/"
	a := b.post("/"+DefaultTenantID+"/oauth2/token", b.form("scope", "resource="+resource))
	body := a.members(t)
	for name, value := range body {
		if _, ok := value.(string); !ok {
			t.Errorf("%s is %v, want a string", name, value)
		}
	}
	if body["resource"] != resource || body["expires_in"] != "3599" {
		t.Errorf("%s", a.body)
	}
	b.token, _ = body["access_token"].(string)
	if a := b.data("GET", "/api/data/v9.2/WhoAmI", ""); a.status != 200 {
		t.Errorf("an audience with its slash: %d", a.status)
	}
}

func TestBasicCredentialsAreFormEncoded(t *testing.T) {
	secret := "a+b/c%d e:f"
	b := newBench(t, Options{ClientSecret: secret})
	r, _ := http.NewRequest("POST", b.EntraURL+v2Path, strings.NewReader(b.form("client_id", "client_secret").Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(DefaultClientID, url.QueryEscape(secret))
	if a := exchange(r); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestSecretsRotate(t *testing.T) {
	b := newBench(t, Options{})
	b.SetSecrets("next", DefaultClientSecret)
	for secret, want := range map[string]int{"next": 200, DefaultClientSecret: 200} {
		if a := b.post(v2Path, b.form("client_secret="+secret)); a.status != want {
			t.Errorf("%s while both count: %d", secret, a.status)
		}
	}
	b.SetSecrets("next")
	if a := b.post(v2Path, b.form()); a.status != 401 {
		t.Errorf("old secret: %d, want 401", a.status)
	}
	if a := b.data("GET", "/api/data/v9.2/WhoAmI", ""); a.status != 200 {
		t.Errorf("token of the old secret: %d, want 200", a.status)
	}
	want := map[string]int{"issued": 2, "AADSTS7000215": 1}
	if got := b.Stats().TokenCalls; len(got) != len(want) || got["issued"] != 2 || got["AADSTS7000215"] != 1 {
		t.Errorf("token calls %v, want %v", got, want)
	}
}

func TestDiscovery(t *testing.T) {
	b := newBench(t, Options{})
	r, _ := http.NewRequest("GET", b.EntraURL+"/"+DefaultTenantID+"/v2.0/.well-known/openid-configuration", nil)
	document := exchange(r).members(t)
	if document["token_endpoint"] != b.EntraURL+v2Path {
		t.Errorf("token_endpoint %v", document["token_endpoint"])
	}
	r, _ = http.NewRequest("GET", document["jwks_uri"].(string), nil)
	keys, _ := exchange(r).members(t)["keys"].([]any)
	if len(keys) != 1 {
		t.Errorf("%d keys", len(keys))
	}
}

func TestEntraHeadersOnTheWire(t *testing.T) {
	b := newBench(t, Options{})
	head := rawExchange(t, b.EntraURL, "POST "+v2Path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
	for _, want := range []string{
		"HTTP/1.1 400 ", "\r\nP3P: CP=\"DSP CUR OTPi IND OTRi ONL FIN\"\r\n", "\r\nx-ms-request-id: ", "\r\nx-ms-ests-server: ",
		"\r\nCache-Control: no-store, no-cache\r\n", "\r\nSet-Cookie: fpc=", "\r\nExpires: -1\r\n", "\r\nContent-Length: ",
	} {
		if !strings.Contains(head, want) {
			t.Errorf("no %q in\n%s", want, head)
		}
	}
}
