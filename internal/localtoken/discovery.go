package localtoken

import (
	"net/http"
	"net/url"
	"strings"
)

// The versions of Entra's endpoints differ in what names the resource, and in
// that version 1 answers with strings only.
type version int

const (
	version1 version = 1
	version2 version = 2
)

// document serves what depends on the listener's origin and the tenant only.
func (i *Issuer) document(of func(r *http.Request, origin, tenant string) any) http.Handler {
	return i.handler(func(w http.ResponseWriter, r *http.Request) (any, error) {
		if err := onlyGet(w, r); err != nil {
			return nil, err
		}
		tenant := tenantOf(r)
		if !isTenant(tenant) {
			return nil, errTenant(tenant)
		}
		return of(r, i.options.Origin(r), tenant), nil
	})
}

func onlyGet(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	w.Header().Set("Allow", "GET, HEAD")
	return entraError{http.StatusMethodNotAllowed, 90100, "invalid_request", "The endpoint only accepts GET requests.", 0}
}

// openIDConfiguration has what clients look for in Entra's. The issuer is the
// URL that the document was found under, as OpenID Connect Discovery 4.3 wants;
// MSAL compares its origin.
func openIDConfiguration(v version) func(*http.Request, string, string) any {
	issuer, oauth2, keys := "", "/oauth2", "/discovery/keys"
	if v == version2 {
		issuer, oauth2, keys = "/v2.0", "/oauth2/v2.0", "/discovery/v2.0/keys"
	}
	return func(_ *http.Request, origin, tenant string) any {
		base := origin + "/" + tenant
		return map[string]any{
			"issuer":                                base + issuer,
			"authorization_endpoint":                base + oauth2 + "/authorize",
			"token_endpoint":                        base + oauth2 + "/token",
			"jwks_uri":                              base + keys,
			"grant_types_supported":                 []string{"client_credentials", "password", "refresh_token"},
			"response_types_supported":              []string{"token"},
			"response_modes_supported":              []string{"query"},
			"subject_types_supported":               []string{"pairwise"},
			"id_token_signing_alg_values_supported": []string{"RS256"}, // which OpenID Connect Discovery 3 demands; no client asks for it
			"token_endpoint_auth_methods_supported": []string{"client_secret_post", "client_secret_basic"},
			"scopes_supported":                      []string{"openid", "profile", "offline_access"},
		}
	}
}

// noKeys is an empty JSON Web Key Set: the key of a local token is secret.
func noKeys(*http.Request, string, string) any {
	return map[string]any{"keys": []string{}}
}

// userRealm tells a client with a user name and password to use them here,
// whosoever they are, and not at a federated server.
func userRealm(r *http.Request, _, _ string) any {
	_, domain, _ := strings.Cut(r.URL.Path, "@")
	return map[string]string{
		"ver":                 "1.0",
		"account_type":        "Managed",
		"domain_name":         clipped(domain),
		"cloud_instance_name": "microsoftonline.com",
	}
}

// instance tells a client that its authority is one. It answers for this
// listener's own origin only.
func (i *Issuer) instance(w http.ResponseWriter, r *http.Request) (any, error) {
	if err := onlyGet(w, r); err != nil {
		return nil, err
	}
	query := r.URL.Query()
	endpoint := query.Get("authorization_endpoint")
	if endpoint == "" {
		return nil, errMissing("authorization_endpoint")
	}
	origin := i.options.Origin(r)
	u, err := url.Parse(endpoint)
	if err != nil || !strings.EqualFold(u.Scheme+"://"+u.Host, origin) {
		return nil, errInstance()
	}
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	if !isTenant(tenant) {
		return nil, errTenant(tenant)
	}
	base := origin + "/" + tenant
	if strings.HasPrefix(rest, "oauth2/v2.0/") {
		base += "/v2.0"
	}
	answer := map[string]any{"tenant_discovery_endpoint": base + "/.well-known/openid-configuration"}
	if query.Get("api-version") != "1.0" {
		answer["api-version"] = "1.1"
		answer["metadata"] = []map[string]any{{
			"preferred_network": u.Host, "preferred_cache": u.Host, "aliases": []string{u.Host},
		}}
	}
	return answer, nil
}

// authorize refuses: what the challenge and the documents name must answer.
func (i *Issuer) authorize(http.ResponseWriter, *http.Request) (any, error) {
	return nil, errInteraction()
}
