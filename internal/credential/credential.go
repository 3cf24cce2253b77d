// Package credential signs in to Entra: one token source per way of doing so.
//
// [ClientSecret], [ClientCertificate] and [WorkloadIdentity] ask a token
// endpoint by OAuth's client credentials grant (RFC 6749 4.4) and differ in how
// they prove who they are; [ManagedIdentity] asks the machine it runs on.
//
// A source fetches anew at each call and keeps no token; keeping is the work
// of a token cache. Each call reads its secret, certificate or assertion again,
// so that a rotated one is picked up; Changed tells, between calls, whether
// there is a point in another one. Every failure is an [*Error], which says
// whether trying again has a point and what to mend, and holds neither a
// secret nor a token nor the body of an answer.
package credential

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// A Secret returns a secret as it is now: a client secret, a password, an
// assertion. It is called at each fetch. Its error is shown, so it says what
// to mend and holds nothing of the secret.
type Secret func() (string, error)

// Options are what all sources have in common that ask a token endpoint. The
// zero value is the default.
type Options struct {
	// V1 says that the endpoint is of Entra's version 1 (/oauth2/token), which
	// wants the resource itself in place of a scope.
	V1 bool
	// Transport carries the requests. Default: [NewTransport] with the
	// system's roots.
	Transport http.RoundTripper
}

// An application is who signs in, where, and for what.
type application struct {
	endpoint string // a URL
	clientID string
	scope    string
	v1       bool
	client   *http.Client
}

func newApplication(endpoint, clientID, scope string, o Options) application {
	return application{endpoint: endpoint, clientID: clientID, scope: scope, v1: o.V1, client: newClient(o.Transport)}
}

// assertionType is for JWTs that prove who a client is. RFC 7523 2.2.
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// withAssertion fetches a token for an application that proves itself by a
// signed JWT. The error is an [*Error].
func (a *application) withAssertion(ctx context.Context, claims, assertion string) (*oauth2.Token, error) {
	return a.fetch(ctx, claims, "", url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}})
}

// fetch posts once to the token endpoint. The secret may be empty; more goes
// into the form. The error is an [*Error].
func (a *application) fetch(ctx context.Context, claims, secret string, more url.Values) (*oauth2.Token, error) {
	grant := clientcredentials.Config{
		ClientID: a.clientID,
		// x/oauth2 sends the secret as it is; form encoding is its work too.
		ClientSecret:   secret,
		TokenURL:       a.endpoint,
		AuthStyle:      oauth2.AuthStyleInParams,
		EndpointParams: url.Values{},
	}
	for name, values := range more {
		grant.EndpointParams[name] = values
	}
	if claims != "" {
		grant.EndpointParams.Set("claims", claims)
	}
	if a.v1 {
		grant.EndpointParams.Set("resource", resourceOf(a.scope))
	} else {
		grant.Scopes = []string{a.scope}
	}
	sent := time.Now()
	token, err := grant.Token(context.WithValue(ctx, oauth2.HTTPClient, a.client))
	if err != nil {
		return nil, signInError(ctx, a.endpoint, err)
	}
	return checked(token, sent, "the token endpoint", "check token_url")
}

// resourceOf is what a scope asks for: all before its last slash, by Entra's
// reading. So https://org/.default is for https://org, and https://org//.default
// for https://org/.
func resourceOf(scope string) string { return strings.TrimSuffix(scope, "/.default") }

// checked makes sure of what the rest of the program relies on: a bearer token
// that can stand in a header, and a lifetime.
func checked(t *oauth2.Token, sent time.Time, issuer, hint string) (*oauth2.Token, error) {
	if !strings.EqualFold(t.Type(), "Bearer") {
		return nil, &Error{what: issuer + " issued a token that is not a bearer token", hint: hint}
	}
	for _, r := range t.AccessToken {
		if r <= ' ' || r >= 0x7f {
			return nil, &Error{what: issuer + "'s token has characters that no header can carry", hint: hint}
		}
	}
	lifetime, ok := seconds(t.Extra("expires_in"))
	if !ok {
		lifetime = lifetimeOf(t.AccessToken, sent)
	}
	extra := map[string]any{}
	if refresh, ok := seconds(t.Extra("refresh_in")); ok {
		extra["refresh_in"] = refresh
	}
	return (&oauth2.Token{AccessToken: t.AccessToken, TokenType: "Bearer", ExpiresIn: lifetime}).WithExtra(extra), nil
}
