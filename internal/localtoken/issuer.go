// Package localtoken serves clients that insist on fetching a token of their
// own, and asks clients who they are.
//
// It answers, in Entra's own shapes, what such a client asks an authority for.
// These paths of a listener are its own; all others are not touched:
//
//	POST /{tenant}/oauth2/token, /{tenant}/oauth2/v2.0/token
//	/{tenant}/oauth2/authorize, /{tenant}/oauth2/v2.0/authorize   a refusal: nobody signs in here by browser
//	GET  /{tenant}/.well-known/openid-configuration, /{tenant}/v2.0/.well-known/openid-configuration
//	GET  /{tenant}/discovery/keys, /{tenant}/discovery/v2.0/keys
//	GET  /common/discovery/instance
//	GET  /common/userrealm/{user}, /common/UserRealm/{user}
//
// The local token looks like a JWT (RFC 7519) and is signed with a key that is
// derived from the client's own secret, the client's id and the name of the
// environment. So nothing is stored: it holds after a restart and at every
// replica, is worth nothing at another environment, and ends with the secret.
//
// Where there are no clients, nobody is asked who he is: any id and secret gets
// a token, and requests pass with any token or none.
package localtoken

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// DefaultLifetime of a local token.
const DefaultLifetime = 30 * 24 * time.Hour

// A Client is a program that may use the listener.
type Client struct {
	// ID names it, without regard to case.
	ID string
	// Secret returns its secret as it is now. It is called about once a second
	// while requests come, by one goroutine at a time. While it fails, or
	// returns nothing, the secret before stays in use.
	Secret func() (string, error)
	// Previous, if set, returns a secret that is accepted too, while clients
	// change from one to the other; empty for none. New tokens are not signed
	// with it, older ones are good until it goes.
	Previous func() (string, error)
}

// Options are the optional settings of an Issuer.
type Options struct {
	// Clients are those that may use the listener. Empty: anybody.
	Clients []Client
	// Lifetime of a local token, in whole seconds; 0: DefaultLifetime.
	Lifetime time.Duration
	// Tenant is what the challenge names; empty: common.
	Tenant string
	// Challenge asks for credentials where there are no clients, too: any do.
	Challenge bool
	// Origin is where clients reach the listener, such as
	// https://localhost:7080. Nil: scheme and Host of the request.
	Origin func(*http.Request) string
	// OnRefusal writes the answer to a request that does not pass Protect. The
	// challenge is in the answer's header by then. It must be set where
	// requests can be refused.
	OnRefusal func(http.ResponseWriter, *http.Request, Refusal)
	// Logger is told of tokens issued and refused, and of secrets that cannot
	// be read. Nil: nobody is.
	Logger *slog.Logger
}

// An Issuer issues the local tokens of one environment and checks them.
type Issuer struct {
	environment string
	options     Options
	keyring     *keyring // nil if there are no clients
	limiter     *limiter
	log         *slog.Logger
}

// New returns the issuer of an environment. Its name is part of every key, so
// that a token is good there only. The error names each mistake in the options.
func New(environment string, o Options) (*Issuer, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	if o.Tenant == "" {
		o.Tenant = "common"
	}
	if o.Origin == nil {
		o.Origin = requestOrigin
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	i := &Issuer{environment: environment, options: o, limiter: newLimiter(), log: o.Logger}
	if len(o.Clients) > 0 {
		i.keyring = newKeyring(environment, o.Clients, o.Logger)
	}
	return i, nil
}

func (o Options) check() error {
	var problems []error
	seen := map[string]bool{}
	for n, c := range o.Clients {
		id := strings.ToLower(c.ID)
		switch {
		case id == "":
			problems = append(problems, fmt.Errorf("client %d has no id", n+1))
		case seen[id]:
			problems = append(problems, fmt.Errorf("there are two clients with the id %q", c.ID))
		case c.Secret == nil:
			problems = append(problems, fmt.Errorf("client %q has no secret", c.ID))
		}
		seen[id] = true
	}
	if o.Lifetime != 0 && o.Lifetime < time.Second {
		problems = append(problems, errors.New("the lifetime of local tokens is under a second"))
	}
	if o.Tenant != "" && !isTenant(o.Tenant) {
		problems = append(problems, fmt.Errorf("%q is no tenant", o.Tenant))
	}
	if o.OnRefusal == nil && (o.Challenge || len(o.Clients) > 0) {
		problems = append(problems, errors.New("OnRefusal is not set"))
	}
	return errors.Join(problems...)
}

// A Route is a path that an Issuer serves. The pattern is for chi and for
// http.ServeMux alike, without a method: the handler judges that.
type Route struct {
	Pattern string
	Handler http.Handler
}

// Routes are all paths that the issuer claims. They must not stand behind
// Protect.
func (i *Issuer) Routes() []Route {
	return []Route{
		{"/{tenant}/oauth2/token", i.tokenEndpoint(version1)},
		{"/{tenant}/oauth2/v2.0/token", i.tokenEndpoint(version2)},
		{"/{tenant}/oauth2/authorize", i.handler(i.authorize)},
		{"/{tenant}/oauth2/v2.0/authorize", i.handler(i.authorize)},
		{"/{tenant}/.well-known/openid-configuration", i.document(openIDConfiguration(version1))},
		{"/{tenant}/v2.0/.well-known/openid-configuration", i.document(openIDConfiguration(version2))},
		{"/{tenant}/discovery/keys", i.document(noKeys)},
		{"/{tenant}/discovery/v2.0/keys", i.document(noKeys)},
		{"/common/discovery/instance", i.handler(i.instance)},
		{"/common/userrealm/{user}", i.document(userRealm)},
		{"/common/UserRealm/{user}", i.document(userRealm)},
	}
}
