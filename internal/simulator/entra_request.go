package simulator

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	maxTokenRequest    = 1 << 20
	jwtBearerAssertion = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// tokenRequest is a request that deserves a token.
type tokenRequest struct {
	resource string // becomes the token's audience as it is, slash and all
	claims   json.RawMessage
	acr      string // how the client proved who it is
}

// readTokenRequest checks a token request in the order in which Entra
// complains: the tenant, the form, the application, its credential, the
// resource.
func (t *Tenant) readTokenRequest(r *http.Request, tenant string, version endpointVersion) (tokenRequest, *entraError) {
	if !strings.EqualFold(tenant, t.opts.TenantID) {
		return refuse(errTenant.with(tenant))
	}
	form := readForm(r)
	clientID, secret := clientCredentials(r, form)
	grant := form.Get("grant_type")
	switch {
	case grant == "":
		return refuse(errMissing.with("grant_type"))
	case grant != "client_credentials":
		return refuse(errGrant.with(grant))
	case clientID == "":
		return refuse(errMissing.with("client_id"))
	case !strings.EqualFold(clientID, t.opts.ClientID):
		return refuse(errApplication.with(clientID, t.opts.TenantID))
	}
	resource, refusal := requestedResource(form, version)
	if refusal != nil {
		return tokenRequest{}, refusal
	}
	request := tokenRequest{resource: resource}
	if request.acr, refusal = t.checkCredential(r, form, clientID, secret); refusal != nil {
		return tokenRequest{}, refusal
	}
	if !t.knowsResource(resource) {
		return refuse(errResource.with(resource, t.opts.TenantID))
	}
	if claims := form.Get("claims"); claims != "" {
		var err error
		if request.claims, err = accessTokenClaims(claims); err != nil {
			return refuse(errClaims)
		}
	}
	return request, nil
}

// checkCredential returns how the client proved who it is.
func (t *Tenant) checkCredential(r *http.Request, form url.Values, clientID, secret string) (acr string, refusal *entraError) {
	kind := form.Get("client_assertion_type")
	var e entraError
	switch {
	case form.Has("client_assertion") && kind == "":
		e = errMissing.with("client_assertion_type")
	case kind != "" && !form.Has("client_assertion"):
		e = errMissing.with("client_assertion")
	case kind != "" && kind != jwtBearerAssertion:
		e = errNoCredential
	case kind != "":
		return acrAssertion, t.checkAssertion(form.Get("client_assertion"), clientID, t.endpointURLs(r), time.Now())
	case secret == "":
		e = errNoCredential
	case !t.acceptsSecret(secret):
		e = errSecret.with(t.opts.ClientID)
	default:
		return acrSecret, nil
	}
	return "", &e
}

// endpointURLs are those of the token endpoints of both versions, as this
// client sees them and as the tenant says them.
func (t *Tenant) endpointURLs(r *http.Request) (urls []string) {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	for _, origin := range []string{scheme + r.Host, t.authorityOrigin()} {
		urls = append(urls, origin+"/"+t.opts.TenantID+"/oauth2/v2.0/token", origin+"/"+t.opts.TenantID+"/oauth2/token")
	}
	return urls
}

func refuse(e entraError) (tokenRequest, *entraError) { return tokenRequest{}, &e }

// readForm returns an empty form for anything that is none: Entra then misses
// grant_type.
func readForm(r *http.Request) url.Values {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return url.Values{}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxTokenRequest))
	if err != nil {
		return url.Values{}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return url.Values{}
	}
	return form
}

// clientCredentials come in the form, or by Basic with each half form-encoded.
// RFC 6749 2.3.1.
func clientCredentials(r *http.Request, form url.Values) (id, secret string) {
	id, secret = form.Get("client_id"), form.Get("client_secret")
	basicID, basicSecret, ok := r.BasicAuth()
	if !ok {
		return id, secret
	}
	if decoded, err := url.QueryUnescape(basicID); err == nil {
		basicID = decoded
	}
	if decoded, err := url.QueryUnescape(basicSecret); err == nil {
		basicSecret = decoded
	}
	return basicID, basicSecret
}

// requestedResource is what the token is to be for. Entra takes all of a scope
// that stands before its last slash: https://org//.default asks for
// https://org/ and https://org/.default for https://org.
func requestedResource(form url.Values, version endpointVersion) (string, *entraError) {
	if version == resourceEndpoint {
		resource := form.Get("resource")
		if resource == "" {
			e := errMissing.with("resource")
			return "", &e
		}
		return resource, nil
	}
	scope := strings.TrimSpace(form.Get("scope"))
	if scope == "" {
		e := errMissing.with("scope")
		return "", &e
	}
	resource, ok := strings.CutSuffix(scope, "/.default")
	if !ok || resource == "" || strings.ContainsAny(scope, " ") {
		e := errScope.with(scope)
		return "", &e
	}
	return resource, nil
}

func (t *Tenant) acceptsSecret(secret string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.secrets, secret)
}
