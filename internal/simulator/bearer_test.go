package simulator

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTokenRefused(t *testing.T) {
	b := newBench(t, Options{})
	good := b.token
	other := New(Options{}).IssueToken(b.DataverseURL)
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	for _, tt := range []struct {
		name   string
		token  string
		reason string
	}{
		{"none", "", refusedMissing},
		{"no JWT", "abc", refusedMalformed},
		{"not base64", header + "." + payload + ".!!!", refusedMalformed},
		{"other tenant's", other, refusedSignature},
		{"altered", header + "." + payload + "." + strings.Repeat("A", len(signature)), refusedSignature},
		{"no algorithm", "eyJhbGciOiJub25lIn0." + payload + ".", refusedSignature},
		{"for another environment", b.IssueToken("https://fabrikam.crm.dynamics.com"), refusedAudience},
		{"for a path", b.IssueToken(b.DataverseURL + "/api"), refusedAudience},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b.ResetStats()
			b.token = tt.token
			a := b.data("GET", "/api/data/v9.2/WhoAmI", "")
			uris := "authorization_uri=" + b.EntraURL + "/" + DefaultTenantID + "/oauth2/authorize, resource_id=" + b.DataverseURL + "/"
			want := "Bearer error=invalid_token, error_description=Error during token validation!, " + uris
			if tt.reason == refusedMissing {
				want = "Bearer " + uris
			}
			if a.status != 401 || a.body != "" || a.header.Get("WWW-Authenticate") != want {
				t.Errorf("%d %q %q", a.status, a.body, a.header.Get("WWW-Authenticate"))
			}
			if got := b.Stats(); got.Refused[tt.reason] != 1 || got.DeadTokens != 0 {
				t.Errorf("refused %v, dead %d; want one %s", got.Refused, got.DeadTokens, tt.reason)
			}
		})
	}
}

func TestTokenEndsExactlyOnTime(t *testing.T) {
	key := sharedKey()
	synctest.Test(t, func(t *testing.T) {
		tenant := New(Options{Key: key, TokenLifetime: 1500 * time.Millisecond})
		token := tenant.IssueToken("http://example.com")
		ask := func() int {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "/api/data/v9.2/WhoAmI", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			tenant.Dataverse().ServeHTTP(w, r)
			return w.Code
		}
		time.Sleep(1499 * time.Millisecond)
		if got := ask(); got != 200 {
			t.Errorf("1 ms before the end: %d", got)
		}
		time.Sleep(time.Millisecond)
		if got := ask(); got != 401 {
			t.Errorf("at the end: %d", got)
		}
		if got := tenant.Stats(); got.Refused[refusedExpired] != 1 || got.DeadTokens != 1 {
			t.Errorf("refused %v, dead %d", got.Refused, got.DeadTokens)
		}
	})
}

func TestRevocation(t *testing.T) {
	b := newBench(t, Options{})
	if n := b.RevokeTokens(); n != 1 {
		t.Errorf("revoked %d, want 1", n)
	}
	if a := b.data("GET", "/api/data/v9.2/WhoAmI", ""); a.status != 401 {
		t.Errorf("revoked token: %d", a.status)
	}
	if got := b.Stats(); got.Refused[refusedRevoked] != 1 || got.DeadTokens != 1 {
		t.Errorf("refused %v, dead %d", got.Refused, got.DeadTokens)
	}
	b.token = b.IssueToken(b.DataverseURL)
	if a := b.data("GET", "/api/data/v9.2/WhoAmI", ""); a.status != 200 {
		t.Errorf("newer token: %d", a.status)
	}
}

func TestOriginsOfOneEnvironment(t *testing.T) {
	tenant := New(Options{
		Key: sharedKey(), Origin: "https://contoso.crm.dynamics.com", Aliases: []string{"https://contoso.api.crm.dynamics.com"},
	})
	for _, tt := range []struct{ audience, host, want string }{
		{"https://contoso.crm.dynamics.com", "contoso.crm.dynamics.com", "https://contoso.crm.dynamics.com/api"},
		{"https://contoso.crm.dynamics.com", "contoso.api.crm.dynamics.com", "https://contoso.api.crm.dynamics.com/api"},
		{"https://contoso.api.crm.dynamics.com/", "127.0.0.1:9", "https://contoso.crm.dynamics.com/api"},
		{"http://contoso.crm.dynamics.com", "contoso.crm.dynamics.com", ""},
		{"http://127.0.0.1:9", "contoso.crm.dynamics.com", ""},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/api/data/v9.2/WhoAmI", nil)
		r.Host = tt.host
		r.Header.Set("Authorization", "Bearer "+tenant.IssueToken(tt.audience))
		tenant.Dataverse().ServeHTTP(w, r)
		if tt.want == "" && w.Code != 401 || tt.want != "" && !strings.Contains(w.Body.String(), `"@odata.context":"`+tt.want) {
			t.Errorf("%s at %s: %d %s", tt.audience, tt.host, w.Code, w.Body)
		}
	}
}

func TestApplicationUser(t *testing.T) {
	b := newBench(t, Options{})
	b.SetApplicationUser(false)
	b.data("GET", "/api/data/v9.2/WhoAmI", "").want(t, 403, "0x80072560")
	b.SetApplicationUser(true)
	b.data("GET", "/api/data/v9.2/WhoAmI", "").want(t, 200, "")
}
