package simulator

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	serviceGraph  = "graph"
	graphVersion  = "/v1.0/"
	publicGraph   = "https://graph.microsoft.com"
	dataverseApp  = "00000007-0000-0000-c000-000000000000"
	policiesUnder = "policies/tokenLifetimePolicies"
)

// Graph answers as graph.microsoft.com does to what concerns token lifetime
// policies.
func (t *Tenant) Graph() http.Handler { return t.observe(serviceGraph, t.serveGraph) }

func (t *Tenant) serveGraph(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["request-id"] = []string{newGUID()}
	h["client-request-id"] = []string{h["request-id"][0]}
	h["Cache-Control"] = []string{"no-cache"}
	h["Strict-Transport-Security"] = []string{"max-age=31536000"}
	if fault := t.graphFault.pick(r, verdict{}); fault != nil {
		t.playGraph(fault, w, r)
		return
	}
	t.answerGraph(w, r)
}

// graphAnswer is what a call comes to. A nil body is an empty answer.
type graphAnswer struct {
	status int
	body   any
}

func (t *Tenant) answerGraph(w http.ResponseWriter, r *http.Request) {
	if message := t.refuseGraphToken(r); message != "" {
		writeGraph(w, refuseGraph(http.StatusUnauthorized, "InvalidAuthenticationToken", message))
		return
	}
	writeGraph(w, t.graph.call(r, t.opts.PolicyDelay))
}

// refuseGraphToken says why a request's token opens nothing here; empty if it
// is good.
func (t *Tenant) refuseGraphToken(r *http.Request) string {
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || raw == "" {
		return "Access token is empty."
	}
	payload, err := t.signer.verify(raw)
	var claims accessClaims
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return "Access token validation failure. Invalid signature."
	}
	token, known := t.tokens.find(claims.UniqueTokenID)
	switch {
	case !t.isGraph(claims.Audience) && originOf(claims.Audience) != graphOriginOf(r):
		return "Access token validation failure. Invalid audience."
	case !known || token.revoked || !time.Now().Before(token.expires):
		return "Lifetime validation failed, the token is expired."
	}
	return ""
}

func graphOriginOf(r *http.Request) string {
	if r.TLS != nil {
		return originOf("https://" + r.Host)
	}
	return originOf("http://" + r.Host)
}

// isGraph tells whether a resource is the Graph of this tenant.
func (t *Tenant) isGraph(resource string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	bare := originOf(resource)
	return bare == publicGraph || bare != "" && bare == t.graphOrigin
}

// lifetimeOf is how long a token for a resource lives that is issued now.
func (t *Tenant) lifetimeOf(resource string, now time.Time) time.Duration {
	isGraph := t.isGraph(resource)
	t.mu.Lock()
	lifetime := t.lifetime
	t.mu.Unlock()
	if ruled := t.graph.effect(now); ruled > 0 && !isGraph {
		return ruled
	}
	return lifetime
}

// call does what a request asks for.
func (d *directory) call(r *http.Request, delay time.Duration) graphAnswer {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return badGraph("Unable to read JSON request payload.")
	}
	path, ok := strings.CutPrefix(r.URL.Path, graphVersion)
	if !ok {
		return refuseGraph(http.StatusBadRequest, "BadRequest", "Invalid version.")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	defer d.note(time.Now().Add(delay))
	if rest, ok := strings.CutPrefix(path, policiesUnder); ok {
		return d.policyCall(r.Method, strings.TrimPrefix(rest, "/"), body)
	}
	if rest, ok := strings.CutPrefix(path, "servicePrincipals"); ok {
		return d.principalCall(r.Method, rest, body)
	}
	return refuseGraph(http.StatusBadRequest, "BadRequest", "Resource not found for the segment '"+path+"'.")
}

// may tells whether the application has one permission of each group.
func (d *directory) may(groups ...[]string) bool {
	for _, group := range groups {
		if !slices.ContainsFunc(group, func(p string) bool { return slices.Contains(d.granted, p) }) {
			return false
		}
	}
	return true
}

func denied() graphAnswer {
	return refuseGraph(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

func noObject(id string) graphAnswer {
	return refuseGraph(http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+id+"' does not exist or one of its queried reference-property objects are not present.")
}

func badGraph(message string) graphAnswer {
	return refuseGraph(http.StatusBadRequest, "Request_BadRequest", message)
}

func notAllowed() graphAnswer {
	return refuseGraph(http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
}
