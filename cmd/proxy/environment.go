package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"dvproxy/internal/admin"
	"dvproxy/internal/config"
	"dvproxy/internal/forward"
	"dvproxy/internal/guard"
	"dvproxy/internal/listen"
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

// newEnvironment wires one environment behind its listener.
func newEnvironment(c config.Environment, endpoint *listen.Endpoint, ids *identities, metrics *admin.Metrics, budget *forward.Budget, leave *departure, log *slog.Logger) (*environment, error) {
	e := &environment{config: c, origin: endpoint.Origin(), log: log}
	hosts := hostsOf(c, endpoint)
	links, err := newLinks(c, endpoint, hosts)
	if err != nil {
		return nil, err
	}

	// The metrics ask the cache, and the cache reports to the metrics.
	counts := metrics.Environment(c.Name, func() admin.Token { return tokenState(e.cache.Status()) }, links.Mapped)
	id, err := ids.of(c, func(r tokencache.Renewal) { counts.Renewal(r.Took, r.Err) }, log)
	if err != nil {
		return nil, err
	}
	e.cache = id.cache
	if c.Credential.Way() == config.ByCertificate {
		metrics.Certificate(c.Name, id.expires)
	}
	proxy, err := newProxy(c, e.cache, links, counts, budget, leave, log)
	if err != nil {
		return nil, err
	}
	issuer, err := newIssuer(c, counts.Refused, log)
	if err != nil {
		return nil, err
	}
	router := chi.NewRouter()
	for _, own := range issuer.Routes() { // all else is forwarded
		router.Handle(own.Pattern, own.Handler)
	}
	forwarded := issuer.Protect(guard.Restrict(proxy, guard.Restrictions{
		ReadOnly:          c.Guard.ReadOnly,
		DenyImpersonation: c.Guard.Impersonation == "deny",
		OnRefusal:         refuse(counts.Refused, log),
		OnBroken:          noteRefusal(counts.Refused, log),
	}))
	router.NotFound(forwarded.ServeHTTP)
	router.MethodNotAllowed(forwarded.ServeHTTP)
	guarded := guard.New(router, hosts, guard.Options{OnRefusal: refuse(counts.Refused, log)})
	if endpoint.Socket != "" {
		guarded = asLocalhost(guarded)
	}
	e.server = newServer(guarded, endpoint, log)
	return e, nil
}

func newProxy(c config.Environment, t forward.Tokens, links *odata.Mapper, observer forward.Observer, budget *forward.Budget, leave *departure, log *slog.Logger) (*forward.Proxy, error) {
	upstream, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err) // was checked with the configuration
	}
	authority, err := url.Parse(c.Credential.TokenEndpoint())
	if err != nil {
		return nil, fmt.Errorf("token endpoint: %w", err)
	}
	roots, err := c.Roots()
	if err != nil {
		return nil, err
	}
	transport := forward.NewTransport(c.Timeouts.Connect, c.Timeouts.ResponseHeader)
	transport.TLSClientConfig.RootCAs = roots
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
		Observer: leave.activity.observer(observer),
		Logger:   log,
		Draining: leave.draining,
	}), nil
}

// orNone writes a setting of 0 as the options do, where 0 is the default.
func orNone[T ~int64](v T) T {
	if v == 0 {
		return -1
	}
	return v
}

// refuse answers, logs and counts what a guard does not let pass.
func refuse(count func(reason string), log *slog.Logger) func(http.ResponseWriter, *http.Request, guard.Refusal) {
	note := noteRefusal(count, log)
	return func(w http.ResponseWriter, r *http.Request, refusal guard.Refusal) {
		note(r, refusal)
		forward.Problem{Status: refusal.Status, Code: refusal.Code, Message: refusal.Message, Error: "http_request_denied"}.Write(w, r)
	}
}

// noteRefusal logs and counts what a guard does not let pass.
func noteRefusal(count func(reason string), log *slog.Logger) func(*http.Request, guard.Refusal) {
	return func(r *http.Request, refusal guard.Refusal) {
		count(refusal.Code)
		log.LogAttrs(r.Context(), slog.LevelWarn, "request refused", slog.String("code", "dvproxy."+refusal.Code),
			slog.String("method", clip(r.Method)), slog.String("host", clip(r.Host)), slog.String("remote", r.RemoteAddr),
			slog.String("reason", refusal.Message))
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
