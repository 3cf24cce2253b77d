package simulator

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A machine is a host with a managed identity, which is the tenant's
// application. It keeps the tokens that it hands out for half their life, so a
// client that asks again gets the same one, and expires_in still counts from
// when it was issued. A fault of Entra that fits the request strikes here too.
type machine struct {
	t *Tenant

	mu   sync.Mutex             // guards kept
	kept map[string]issuedToken // by resource
}

func (t *Tenant) newMachine() *machine { return &machine{t: t, kept: map[string]issuedToken{}} }

// VirtualMachine answers as the Azure Instance Metadata Service does, at
// /metadata/identity/oauth2/token. Source: How to use managed identities for
// Azure resources on a virtual machine to acquire an access token.
func (t *Tenant) VirtualMachine() http.Handler {
	m := t.newMachine()
	return t.observe(serviceEntra, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/metadata/identity/oauth2/token":
			writeEmpty(w, http.StatusNotFound)
		case m.strikes(w, r):
		case r.Header.Get("Metadata") != "true" || r.Header.Get("X-Forwarded-For") != "":
			m.refuse(w, "bad_request_102", "Required metadata header not specified")
		case r.URL.Query().Get("api-version") != "2018-02-01":
			m.refuse(w, "bad_request", "api-version was not specified in the request")
		case m.isStranger(r):
			m.refuse(w, "invalid_request", "Identity not found")
		default:
			m.give(w, r, "")
		}
	})
}

// AppService answers as the identity endpoint of App Service and Functions
// does, at any path, to who knows the value of IDENTITY_HEADER. Source: How to
// use managed identities for App Service and Azure Functions.
func (t *Tenant) AppService(header string) http.Handler {
	m := t.newMachine()
	return t.observe(serviceEntra, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case m.strikes(w, r):
		case r.Header.Get("X-IDENTITY-HEADER") != header:
			writeEmpty(w, http.StatusForbidden)
		case r.URL.Query().Get("api-version") != "2019-08-01":
			m.refuse(w, "bad_request", "Unsupported api-version")
		case m.isStranger(r):
			writeEntra(w, http.StatusBadRequest, []byte(`{"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."}`))
		default:
			m.give(w, r, t.opts.ClientID)
		}
	})
}

// isStranger says whether another identity is asked for than the one there is.
func (m *machine) isStranger(r *http.Request) bool {
	id := r.URL.Query().Get("client_id")
	return id != "" && !strings.EqualFold(id, m.t.opts.ClientID)
}

// strikes plays a fault, if one fits.
func (m *machine) strikes(w http.ResponseWriter, r *http.Request) bool {
	fault := m.t.entraFault.pick(r, verdict{})
	if fault == nil {
		return false
	}
	m.t.stats.tokenCall("fault:" + string(fault.Kind))
	m.t.playEntra(fault, w, r, m.t.opts.TenantID, resourceEndpoint)
	return true
}

func (m *machine) refuse(w http.ResponseWriter, code, description string) {
	body, err := marshal(map[string]string{"error": code, "error_description": description})
	if err != nil {
		panic(err) // two strings
	}
	m.t.stats.tokenCall("identity:" + code)
	writeEntra(w, http.StatusBadRequest, body)
}

// machineToken has strings only. App Service leaves expires_in out and says
// whose the token is.
type machineToken struct {
	AccessToken string `json:"access_token"`
	ClientID    string `json:"client_id,omitempty"`
	ExpiresIn   string `json:"expires_in,omitempty"`
	ExpiresOn   string `json:"expires_on"`
	NotBefore   string `json:"not_before"`
	Resource    string `json:"resource"`
	TokenType   string `json:"token_type"`
}

// give answers with a token that is of use for a while.
func (m *machine) give(w http.ResponseWriter, r *http.Request, clientID string) {
	resource := r.URL.Query().Get("resource")
	if !m.t.knowsResource(resource) {
		e := errResource.with(resource, m.t.opts.TenantID)
		m.refuse(w, e.name, e.outcome()+": "+e.message)
		return
	}
	tok := m.token(resource)
	answer := machineToken{
		AccessToken: tok.raw, ClientID: clientID, ExpiresOn: strconv.FormatInt(tok.expiresOn, 10),
		NotBefore: strconv.FormatInt(tok.notBefore, 10), Resource: resource, TokenType: "Bearer",
	}
	if clientID == "" {
		answer.ExpiresIn = strconv.FormatInt(wireSeconds(tok.lifetime), 10)
	}
	body, err := marshal(answer)
	if err != nil {
		panic(err) // strings
	}
	writeEntra(w, http.StatusOK, body)
}

func (m *machine) token(resource string) issuedToken {
	m.mu.Lock()
	defer m.mu.Unlock()
	tok, ok := m.kept[resource]
	if ok && time.Since(tok.issued) < tok.lifetime/2 {
		m.t.stats.tokenCall("kept")
		return tok
	}
	tok = m.t.issue(resource, nil, acrAssertion)
	m.kept[resource] = tok
	m.t.stats.tokenCall("issued")
	return tok
}
