package main

import (
	"log/slog"
	"net/http"

	"dvproxy/internal/config"
	"dvproxy/internal/forward"
	"dvproxy/internal/guard"
	"dvproxy/internal/localtoken"
)

// newIssuer makes what gives clients their tokens and asks them for
// credentials.
func newIssuer(c config.Environment, refused func(reason string), log *slog.Logger) (*localtoken.Issuer, error) {
	o := localtoken.Options{
		Lifetime:  c.LocalTokenLifetime,
		Tenant:    c.Credential.TenantID,
		Challenge: c.Challenge,
		OnRefusal: unauthorized(refused, log),
		Logger:    log,
	}
	if c.PublicURL != "" {
		o.Origin = func(*http.Request) string { return c.PublicURL }
	}
	for _, client := range c.Clients {
		o.Clients = append(o.Clients, localtoken.Client{ID: client.ID, Secret: either(config.Secret{}, client.SecretFile)})
	}
	return localtoken.New(c.Name, o)
}

// unauthorized answers, logs and counts a request without the credentials that
// the listener asks for.
func unauthorized(count func(reason string), log *slog.Logger) func(http.ResponseWriter, *http.Request, localtoken.Refusal) {
	note := noteRefusal(count, log)
	return func(w http.ResponseWriter, r *http.Request, refusal localtoken.Refusal) {
		note(r, guard.Refusal{Status: refusal.Status, Code: refusal.Code, Message: refusal.Message})
		forward.Problem{Status: refusal.Status, Code: refusal.Code, Message: refusal.Message, Error: "http_request_denied", RetryAfter: refusal.RetryAfter}.Write(w, r)
	}
}
