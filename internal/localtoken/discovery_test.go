package localtoken_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dvproxy/internal/localtoken"
)

func (l *listener) get(target string) *httptest.ResponseRecorder {
	return l.do(httptest.NewRequest(http.MethodGet, "https://localhost:7080"+target, nil))
}

// TestOpenIDConfiguration: MSAL wants four members, and the issuer's origin to
// be the authority's; stricter clients want it to be the URL they asked under.
func TestOpenIDConfiguration(t *testing.T) {
	const base = "https://localhost:7080/" + tenant
	l := listen(t, "contoso", nightly())
	tests := []struct{ under, authorize, token, keys string }{
		{"", "/oauth2/authorize", "/oauth2/token", "/discovery/keys"},
		{"/v2.0", "/oauth2/v2.0/authorize", "/oauth2/v2.0/token", "/discovery/v2.0/keys"},
	}
	for _, tt := range tests {
		got := object(t, l.get("/"+tenant+tt.under+"/.well-known/openid-configuration"))
		for name, want := range map[string]string{
			"issuer": tt.under, "authorization_endpoint": tt.authorize, "token_endpoint": tt.token, "jwks_uri": tt.keys,
		} {
			if got[name] != base+want {
				t.Errorf("%q: %s %v, want %s", tt.under, name, got[name], base+want)
			}
		}
		if w := l.post("/"+tenant+tt.token, credentials()); w.Code != http.StatusOK {
			t.Errorf("%q: the token endpoint answered %d", tt.under, w.Code)
		}
		if diff := cmp.Diff(map[string]any{"keys": []any{}}, object(t, l.get("/"+tenant+tt.keys))); diff != "" {
			t.Errorf("%q: keys: %s", tt.under, diff)
		}
		if w := l.get("/" + tenant + tt.authorize); w.Code != http.StatusBadRequest || object(t, w)["error"] != "interaction_required" {
			t.Errorf("%q: authorize answered %d %s", tt.under, w.Code, w.Body)
		}
	}
}

func TestInstanceDiscovery(t *testing.T) {
	l := listen(t, "contoso", nightly())
	host := []any{map[string]any{
		"preferred_network": "localhost:7080", "preferred_cache": "localhost:7080", "aliases": []any{"localhost:7080"},
	}}
	tests := []struct {
		name, endpoint, version string
		want                    map[string]any // or nil
		error                   string
	}{
		{
			"MSAL", "https://localhost:7080/" + tenant + "/oauth2/v2.0/authorize", "1.1",
			map[string]any{"tenant_discovery_endpoint": "https://localhost:7080/" + tenant + "/v2.0/.well-known/openid-configuration", "api-version": "1.1", "metadata": host},
			"",
		},
		{
			"ADAL", "https://LocalHost:7080/" + tenant + "/oauth2/authorize", "1.0",
			map[string]any{"tenant_discovery_endpoint": "https://localhost:7080/" + tenant + "/.well-known/openid-configuration"},
			"",
		},
		{"another authority", "https://login.microsoftonline.com/common/oauth2/authorize", "1.1", nil, "invalid_instance"},
		{"another scheme", "http://localhost:7080/common/oauth2/authorize", "1.1", nil, "invalid_instance"},
		{"no tenant", "https://localhost:7080/", "1.1", nil, "invalid_request"},
		{"no authority", "", "1.1", nil, "invalid_request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := l.get("/common/discovery/instance?api-version=" + tt.version + "&authorization_endpoint=" + url.QueryEscape(tt.endpoint))
			got := object(t, w)
			if tt.want == nil {
				if w.Code != http.StatusBadRequest || got["error"] != tt.error {
					t.Errorf("answered %d %v", w.Code, got)
				}
				return
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("want -, got +\n%s", diff)
			}
		})
	}
}

func TestUserRealm(t *testing.T) {
	l := listen(t, "contoso", nightly())
	for _, path := range []string{"/common/UserRealm/", "/common/userrealm/"} {
		got := object(t, l.get(path+"ada%40contoso.com?api-version=1.0"))
		if got["account_type"] != "Managed" || got["domain_name"] != "contoso.com" || got["ver"] != "1.0" {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestDocumentsAreOnlyRead(t *testing.T) {
	l := listen(t, "contoso", nightly())
	for _, path := range []string{"/common/discovery/instance", "/common/.well-known/openid-configuration", "/common/discovery/keys"} {
		w := l.post(path, nil)
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: answered %d, Allow: %q", path, w.Code, w.Header().Get("Allow"))
		}
	}
}

// TestNothingElseIsClaimed: all other paths are Dataverse's, and so are their
// methods.
func TestNothingElseIsClaimed(t *testing.T) {
	l := listen(t, "contoso", localtoken.Options{})
	for _, target := range []string{
		"/", "/api/data/v9.2/WhoAmI", "/api/data/v9.2/$batch", "/api/data/v9.2/accounts(1)/oauth2/token",
		"/XRMServices/2011/Organization.svc/web?SdkClientVersion=9.2", "/XRMServices/2011/Discovery.svc",
		"/api/discovery/v2.0/Instances", "/oauth2/token", "/common/oauth2/token/", "/common//oauth2/token",
		"/common/oauth2/tokens", "/common/OAuth2/token", "/common/oauth2%2Ftoken", "/common/oauth2/v2.0/devicecode",
		"/.well-known/openid-configuration", "/api/data/v9.2/.well-known/openid-configuration", "/api/discovery/instance",
		"/common/userrealm/", "/main.aspx?appid=1",
	} {
		r := httptest.NewRequest(http.MethodPost, "https://localhost:7080/", nil)
		r.URL, _ = url.ParseRequestURI(target)
		if w := l.do(r); !passed(w) {
			t.Errorf("%s: answered %d, want it passed on", target, w.Code)
		}
	}
}

// TestRoutesAreForServeMuxToo: the patterns mean the same there.
func TestRoutesAreForServeMuxToo(t *testing.T) {
	l := listen(t, "contoso", nightly())
	mux := http.NewServeMux()
	for _, route := range l.Routes() {
		mux.Handle(route.Pattern, route.Handler)
		target := strings.NewReplacer("{tenant}", tenant, "{user}", "x").Replace(route.Pattern)
		a, b := httptest.NewRecorder(), l.get(target)
		mux.ServeHTTP(a, httptest.NewRequest(http.MethodGet, "https://localhost:7080"+target, nil))
		if a.Code != b.Code || passed(b) || a.Code == http.StatusNotFound {
			t.Errorf("%s: answered %d by ServeMux and %d by chi", target, a.Code, b.Code)
		}
	}
}
