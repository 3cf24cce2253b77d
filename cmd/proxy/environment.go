package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"dvproxy/internal/admin"
	"dvproxy/internal/config"
	"dvproxy/internal/credential"
	"dvproxy/internal/forward"
	"dvproxy/internal/guard"
	"dvproxy/internal/odata"
	"dvproxy/internal/tokencache"
)

// An environment is one remote origin with its token and its local listener.
type environment struct {
	config config.Environment
	origin string // that clients use
	cache  *tokencache.Cache
	server *server
	log    *slog.Logger
}

// newEnvironment wires one environment and opens its listener.
func newEnvironment(ctx context.Context, c config.Environment, metrics *admin.Metrics, budget *forward.Budget, log *slog.Logger) (*environment, error) {
	log = log.With(slog.String("environment", c.Name))
	listeners, err := listen(ctx, c.Listen)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(c.Listen)
	port := portOf(listeners)
	e := &environment{config: c, origin: "http://" + net.JoinHostPort(host, port), log: log}
	hosts := append(guard.Hosts(host, port, false, c.Guard.AllowedHosts), publicHosts(c.PublicURL)...)
	links, err := newLinks(c, host, port, hosts)
	if err != nil {
		return nil, err
	}

	// The metrics ask the cache, and the cache reports to the metrics.
	counts := metrics.Environment(c.Name, func() admin.Token { return tokenState(e.cache.Status()) }, links.Mapped)
	source := credential.NewClientSecret(c.Credential.TokenEndpoint(), c.Credential.ClientID, c.Credential.Scope, secretOf(c.Credential))
	e.cache = tokencache.New(source, tokencache.Options{
		RenewAt:   c.RenewAt,
		Changed:   source.Changed,
		OnRenewal: func(r tokencache.Renewal) { counts.Renewal(r.Took, r.Err) },
		Logger:    log,
	})
	proxy, err := newProxy(c, e.cache, links, counts, budget, log)
	if err != nil {
		return nil, err
	}
	// A path of our own would be a route here; all else is forwarded.
	router := chi.NewRouter()
	router.NotFound(proxy.ServeHTTP)
	router.MethodNotAllowed(proxy.ServeHTTP)
	e.server = newServer(guard.New(router, hosts, guard.Options{OnRefusal: refuse(counts.Refused, log)}), listeners, log)
	return e, nil
}

func newProxy(c config.Environment, t forward.Tokens, links *odata.Mapper, observer forward.Observer, budget *forward.Budget, log *slog.Logger) (*forward.Proxy, error) {
	upstream, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err) // was checked with the configuration
	}
	authority, err := url.Parse(c.Credential.TokenEndpoint())
	if err != nil {
		return nil, fmt.Errorf("token endpoint: %w", err)
	}
	transport := forward.NewTransport(c.Timeouts.Connect, c.Timeouts.ResponseHeader)
	return forward.New(upstream, t, transport, forward.Options{
		MaxWait: orNone(c.Retry.MaxWait),
		MaxBody: orNone(int64(c.Retry.MaxBody)),
		Memory:  orNone(int64(c.Retry.Memory)),
		Dir:     c.Retry.Dir,
		Budget:  budget,
		SignIn:  authority,

		MaxConcurrent: int(c.MaxConcurrent), // Auto is 0 here and there
		Spread:        c.Affinity == "spread",

		Links:    links,
		Observer: observer,
		Logger:   log,
	}), nil
}

// orNone writes a setting of 0 as the options do, where 0 is the default.
func orNone[T ~int64](v T) T {
	if v == 0 {
		return -1
	}
	return v
}

// secretOf reads the client secret as it is at each call.
func secretOf(c config.Credential) credential.Secret {
	return func() (string, error) {
		if c.ClientSecretFile == "" {
			return c.ClientSecret.Reveal(), nil
		}
		secret, err := config.ReadSecretFile(c.ClientSecretFile)
		return secret.Reveal(), err
	}
}

// refuse answers, logs and counts what a guard does not let pass.
func refuse(count func(reason string), log *slog.Logger) func(http.ResponseWriter, *http.Request, guard.Refusal) {
	return func(w http.ResponseWriter, r *http.Request, refusal guard.Refusal) {
		count(refusal.Code)
		log.LogAttrs(r.Context(), slog.LevelWarn, "request refused", slog.String("code", "dvproxy."+refusal.Code),
			slog.String("method", clip(r.Method)), slog.String("host", clip(r.Host)), slog.String("remote", r.RemoteAddr))
		forward.Problem{Status: refusal.Status, Code: refusal.Code, Message: refusal.Message, Error: "http_request_denied"}.Write(w, r)
	}
}

// clip bounds what is logged of a client's own words.
func clip(s string) string { return s[:min(len(s), 64)] }

// tokenState is a cache's status as the admin listener shows it.
func tokenState(s tokencache.Status) admin.Token {
	t := admin.Token{Live: s.Live, Expires: s.Expires, Runway: s.Runway, Renews: s.Renews, Renewals: s.Renewals, Failures: s.Failures}
	if s.LastError != nil {
		t.LastError = s.LastError.Error()
	}
	return t
}
