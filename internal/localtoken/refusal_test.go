package localtoken_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestRefusals(t *testing.T) {
	l := listen(t, "contoso", nightly())
	long := strings.Repeat("x", 600)
	tests := []struct {
		name   string
		path   string
		in     url.Values
		status int
		error  string
		code   float64
	}{
		{"wrong secret", v2(), credentials("client_secret", "wrong"), 401, "invalid_client", 7000215},
		{"unknown id", v2(), credentials("client_id", "ghost"), 401, "invalid_client", 7000215},
		{"another's secret", v2(), credentials("client_secret", "another"), 401, "invalid_client", 7000215},
		{"no secret", v2(), credentials("client_secret", ""), 401, "invalid_client", 7000218},
		{"assertion", v2(), credentials("client_secret", "", "client_assertion", "a.b.c"), 401, "invalid_client", 7000218},
		{"no id", v2(), credentials("client_id", ""), 400, "invalid_request", 900144},
		{"no grant type", v2(), credentials("grant_type", ""), 400, "invalid_request", 900144},
		{"code grant", v2(), credentials("grant_type", "authorization_code"), 400, "unsupported_grant_type", 70003},
		{"no refresh token", v2(), credentials("grant_type", "refresh_token"), 400, "invalid_request", 900144},
		{"foreign refresh token", v2(), credentials("grant_type", "refresh_token", "refresh_token", "0.abc"), 400, "invalid_grant", 70000},
		{"wrong password", v1(), url.Values{"grant_type": {"password"}, "username": {"nightly"}, "password": {"x"}}, 401, "invalid_client", 7000215},
		// Not passed on, since there is a secret in it.
		{"tenant", "/a%20b/oauth2/token", credentials(), 400, "invalid_request", 90002},
		{"no tenant", "//oauth2/token", credentials(), 400, "invalid_request", 90002},
		{"long resource", v1(), credentials("resource", long), 400, "invalid_request", 90100},
		{"long id", v2(), credentials("client_id", long), 400, "invalid_request", 90100},
		{"long body", v2(), credentials("x", strings.Repeat("x", 65<<10)), 413, "invalid_request", 90100},
		{"nothing", v2(), nil, 400, "invalid_request", 900144},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := l.post(tt.path, tt.in)
			got := object(t, w)
			description := text(got["error_description"])
			if w.Code != tt.status || got["error"] != tt.error || !cmp.Equal(got["error_codes"], []any{tt.code}) {
				t.Errorf("answered %d %v", w.Code, got)
			}
			if !strings.HasPrefix(description, fmt.Sprintf("AADSTS%.0f: ", tt.code)) || !strings.Contains(description, " Trace ID: "+text(got["trace_id"])+" Correlation ID: ") {
				t.Errorf("description %q", description)
			}
			if w.Header()["x-ms-request-id"][0] != got["trace_id"] {
				t.Error("the trace id is not that of the answer")
			}
			if got["access_token"] != nil {
				t.Error("there is a token")
			}
		})
	}
}

// TestRefusalTellsNothing: an unknown id is answered as a wrong secret is.
func TestRefusalTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, "contoso", nightly())
		answer := func(id string) string {
			w := l.post(v2(), credentials("client_id", id, "client_secret", "wrong"))
			got := object(t, w)
			for _, name := range []string{"trace_id", "correlation_id"} {
				for key, value := range got {
					if s, ok := value.(string); ok && key != name {
						got[key] = strings.ReplaceAll(strings.ReplaceAll(s, text(got[name]), ""), id, "")
					}
				}
				delete(got, name)
			}
			b, _ := json.Marshal(got)
			return fmt.Sprint(w.Code, string(b), len(w.Header()))
		}
		if known, unknown := answer("nightly"), answer("ghosts!"); known != unknown {
			t.Errorf("known id   %s\nunknown id %s", known, unknown)
		}
	})
}
