package simulator

import (
	"encoding/base64"
	"math/big"
	"net/http"
	"strconv"
)

// discovery answers a GET with a document that does not depend on the request.
func (t *Tenant) discovery(w http.ResponseWriter, r *http.Request, document func(origin string) any) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header()["Allow"] = []string{"GET, HEAD"}
		writeEmpty(w, http.StatusMethodNotAllowed)
		return
	}
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	body, err := marshal(document(scheme + r.Host))
	if err != nil {
		panic(err) // strings and numbers
	}
	h := w.Header()
	h["Content-Type"] = []string{"application/json; charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.Write(body)
}

func (t *Tenant) openIDConfiguration(origin string) any {
	base := origin + "/" + t.opts.TenantID
	return map[string]any{
		"issuer":                                base + "/v2.0",
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"token_endpoint":                        base + "/oauth2/v2.0/token",
		"jwks_uri":                              base + "/discovery/v2.0/keys",
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
	}
}

// keys is the JSON Web Key Set with the one key that signs. RFC 7517.
func (t *Tenant) keys(string) any {
	public := t.signer.key.PublicKey
	encode := base64.RawURLEncoding.EncodeToString
	return map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256",
		"kid": t.signer.thumbprint, "x5t": t.signer.thumbprint,
		"n": encode(public.N.Bytes()), "e": encode(big.NewInt(int64(public.E)).Bytes()),
		"issuer": t.issuer(),
	}}}
}
