package simulator

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// serveEntra routes what an authority serves: the two token endpoints and what
// a client needs to find and check them.
func (t *Tenant) serveEntra(w http.ResponseWriter, r *http.Request) {
	t.stampEntra(w.Header())
	tenant, endpoint, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch endpoint {
	case "oauth2/v2.0/token":
		t.tokenEndpoint(w, r, tenant, scopeEndpoint)
	case "oauth2/token":
		t.tokenEndpoint(w, r, tenant, resourceEndpoint)
	case "v2.0/.well-known/openid-configuration":
		t.discovery(w, r, t.openIDConfiguration)
	case "discovery/v2.0/keys", "discovery/keys":
		t.discovery(w, r, t.keys)
	default:
		w.Header()["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusNotFound)
	}
}

// The endpoints differ in what names the resource, and in that version 1
// answers with strings only.
type endpointVersion int

const (
	resourceEndpoint endpointVersion = 1
	scopeEndpoint    endpointVersion = 2
)

func (t *Tenant) tokenEndpoint(w http.ResponseWriter, r *http.Request, tenant string, version endpointVersion) {
	fault := t.entraFault.pick(r, verdict{})
	if fault != nil {
		t.stats.tokenCall("fault:" + string(fault.Kind))
		t.playEntra(fault, w, r, tenant, version)
		return
	}
	status, body, outcome := t.tokenAnswer(r, tenant, version, "")
	t.stats.tokenCall(outcome)
	writeEntra(w, status, body)
}

// tokenAnswer is the answer to a token request, and its name in [Stats].
func (t *Tenant) tokenAnswer(r *http.Request, tenant string, version endpointVersion, tweak FaultKind) (int, []byte, string) {
	if r.Method != http.MethodPost {
		return t.entraErrorBody(errMethod.with(r.Method))
	}
	request, refusal := t.readTokenRequest(r, tenant, version)
	if refusal != nil {
		return t.entraErrorBody(*refusal)
	}
	tok := t.issue(request.resource, request.claims, request.acr)
	body, err := marshal(tokenBody(tok, request.resource, version, tweak))
	if err != nil {
		panic(err) // strings and numbers
	}
	return http.StatusOK, body, "issued"
}

func tokenBody(tok issuedToken, resource string, version endpointVersion, tweak FaultKind) any {
	seconds := wireSeconds(tok.lifetime)
	if version == resourceEndpoint {
		body := tokenBodyV1{
			TokenType: "Bearer", ExpiresOn: strconv.FormatInt(tok.expiresOn, 10),
			NotBefore: strconv.FormatInt(tok.notBefore, 10), Resource: resource, AccessToken: tok.raw,
		}
		if tweak != FaultNoExpiresIn {
			body.ExpiresIn = strconv.FormatInt(seconds, 10)
			body.ExtExpiresIn = body.ExpiresIn
		}
		return body
	}
	if tweak == FaultNoExpiresIn {
		seconds = 0
	}
	return tokenBodyV2{TokenType: "Bearer", ExpiresIn: seconds, ExtExpiresIn: seconds, AccessToken: tok.raw}
}

type tokenBodyV1 struct {
	TokenType    string `json:"token_type"`
	ExpiresIn    string `json:"expires_in,omitempty"`
	ExtExpiresIn string `json:"ext_expires_in,omitempty"`
	ExpiresOn    string `json:"expires_on"`
	NotBefore    string `json:"not_before"`
	Resource     string `json:"resource"`
	AccessToken  string `json:"access_token"`
}

type tokenBodyV2 struct {
	TokenType    string `json:"token_type"`
	ExpiresIn    int64  `json:"expires_in,omitempty"`
	ExtExpiresIn int64  `json:"ext_expires_in,omitempty"`
	AccessToken  string `json:"access_token"`
}

// stampEntra puts on an answer what every answer of Entra carries, as in the
// published recordings.
func (t *Tenant) stampEntra(h http.Header) {
	expires := time.Now().Add(30 * 24 * time.Hour).UTC().Format("Mon, 02-Jan-2006 15:04:05 GMT")
	h["Cache-Control"] = []string{"no-store, no-cache"}
	h["Pragma"] = []string{"no-cache"}
	h["Expires"] = []string{"-1"}
	h["Strict-Transport-Security"] = []string{"max-age=31536000; includeSubDomains"}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	h["P3P"] = []string{`CP="DSP CUR OTPi IND OTRi ONL FIN"`}
	h["x-ms-request-id"] = []string{newGUID()}
	h["x-ms-ests-server"] = []string{"2.1.11722.26 - EUS ProdSlices"}
	h["Set-Cookie"] = []string{
		"fpc=" + newGUID() + "; expires=" + expires + "; path=/; secure; HttpOnly; SameSite=None",
		"x-ms-gateway-slice=estsfd; path=/; secure; samesite=none; httponly",
		"stsservicecookie=estsfd; path=/; secure; samesite=none; httponly",
	}
}

func writeEntra(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json; charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	w.Write(body)
}
