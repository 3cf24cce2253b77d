// Package credential signs in to Entra: one token source per way of doing so.
//
// A source fetches anew at each call and keeps no token; keeping is the work
// of a token cache. Each call reads the secret again, so that a rotated one is
// picked up. Every failure is an [*Error], which says whether trying again has
// a point and what to mend, and holds neither a secret nor a token nor the
// body of an answer.
package credential

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// A Secret returns the client secret as it is now. It is called once a fetch.
type Secret func() (string, error)

// ClientSecret signs in with an application's id and secret, by OAuth's client
// credentials grant (RFC 6749 4.4).
type ClientSecret struct {
	endpoint string
	clientID string
	scope    string
	secret   Secret
	client   *http.Client

	mu   sync.Mutex // guards last
	last string     // the secret most recently sent; empty if it could not be read
}

// NewClientSecret returns a source that posts to the token endpoint, a URL.
// Scope names the resource, such as https://contoso.crm.dynamics.com/.default.
func NewClientSecret(endpoint, clientID, scope string, secret Secret) *ClientSecret {
	return &ClientSecret{endpoint: endpoint, clientID: clientID, scope: scope, secret: secret, client: newClient()}
}

// Token fetches a token. ExpiresIn is its lifetime in seconds, above 0; Extra
// "refresh_in", an int64, is there if the server named one. Claims is the JSON
// of a claims challenge, or empty. The error is an [*Error].
func (s *ClientSecret) Token(ctx context.Context, claims string) (*oauth2.Token, error) {
	secret, err := s.read()
	if err != nil {
		return nil, unreadable(err)
	}
	grant := clientcredentials.Config{
		ClientID: s.clientID,
		// x/oauth2 sends the secret as it is; form encoding is its work too.
		ClientSecret: secret,
		TokenURL:     s.endpoint,
		Scopes:       []string{s.scope},
		AuthStyle:    oauth2.AuthStyleInParams,
	}
	if claims != "" {
		grant.EndpointParams = url.Values{"claims": {claims}}
	}
	sent := time.Now()
	token, err := grant.Token(context.WithValue(ctx, oauth2.HTTPClient, s.client))
	if err != nil {
		return nil, signInError(ctx, s.endpoint, err)
	}
	return checked(token, sent)
}

// Changed reports whether the secret is another one than at the latest fetch.
func (s *ClientSecret) Changed() bool {
	now, err := s.secret()
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && now != s.last
}

func (s *ClientSecret) read() (string, error) {
	secret, err := s.secret()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = secret
	return secret, err
}

// checked makes sure of what the rest of the program relies on: a bearer token
// that can stand in a header, and a lifetime.
func checked(t *oauth2.Token, sent time.Time) (*oauth2.Token, error) {
	if !strings.EqualFold(t.Type(), "Bearer") {
		return nil, &Error{what: "the token endpoint issued a token that is not a bearer token", hint: "check token_url"}
	}
	for _, r := range t.AccessToken {
		if r <= ' ' || r >= 0x7f {
			return nil, &Error{what: "the token endpoint's token has characters that no header can carry", hint: "check token_url"}
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
