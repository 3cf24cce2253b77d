package main

import (
	"context"
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
	"dvproxy/internal/localtoken"
	"dvproxy/internal/odata"
	"dvproxy/internal/tokencache"
)

// An environment is one remote origin with its token and its local listener.
type environment struct {
	config   config.Environment
	identity *identity
	server   *server
	log      *slog.Logger

	certificates listen.Certificates // of its listener; nil if it is plain
	stage        *stage
	transport    *http.Transport
	gate         *forward.Gate
	links        *odata.Counts
	counts       *admin.EnvironmentMetrics
	values       *admin.Values
}

func (e *environment) token() admin.Token           { return tokenState(e.identity.cache.Status()) }
func (e *environment) renewed(r tokencache.Renewal) { e.counts.Renewal(r.Took, r.Err) }
func (e *environment) origin() string               { return e.server.endpoint.Origin() }

// makeEnvironment wires an environment whose listener is open. From the one of
// its name before it, it takes what is to outlive a change of settings.
func (s *service) makeEnvironment(e *environment, key identityKey) (err error) {
	if e.identity, err = s.identities.use(key, e.config, e.log); err != nil {
		return err
	}
	e.counts = s.metrics.Environment(e.config.Name)
	e.gate, e.links = forward.NewGate(int(e.config.MaxConcurrent), e.log), &odata.Counts{} // Auto is 0 here and there
	if before := s.named(e.config.Name); before != nil {
		e.links = before.links
		if before.config.URL == e.config.URL {
			e.gate = before.gate
		}
	}
	hosts := hostsOf(e.config, e.server.endpoint)
	links, err := newLinks(e.config, e.server.endpoint, hosts, e.links)
	if err != nil {
		return err
	}
	e.values = &admin.Values{Token: e.token, Links: links.Mapped}
	if e.config.Credential.Way() == config.ByCertificate {
		e.values.Certificate = e.identity.expires
	}
	proxy, err := s.newProxy(e, links)
	if err != nil {
		return err
	}
	issuer, err := newIssuer(e.config, e.counts.Refused, e.log)
	if err != nil {
		return err
	}
	e.stage = &stage{handler: guarded(e, hosts, issuer, proxy)}
	return nil
}

// guarded is what a listener serves: its own paths, and the rest forwarded.
func guarded(e *environment, hosts []string, issuer *localtoken.Issuer, proxy http.Handler) http.Handler {
	router := chi.NewRouter()
	for _, own := range issuer.Routes() { // all else is forwarded
		router.Handle(own.Pattern, own.Handler)
	}
	forwarded := issuer.Protect(guard.Restrict(proxy, guard.Restrictions{
		ReadOnly:          e.config.Guard.ReadOnly,
		DenyImpersonation: e.config.Guard.Impersonation == "deny",
		OnRefusal:         refuse(e.counts.Refused, e.log),
		OnBroken:          noteRefusal(e.counts.Refused, e.log),
	}))
	router.NotFound(forwarded.ServeHTTP)
	router.MethodNotAllowed(forwarded.ServeHTTP)
	handler := guard.New(router, hosts, guard.Options{OnRefusal: refuse(e.counts.Refused, e.log)})
	if e.server.endpoint.Socket != "" {
		handler = asLocalhost(handler)
	}
	return handler
}

func (s *service) newProxy(e *environment, links *odata.Mapper) (*forward.Proxy, error) {
	c := e.config
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
	e.transport = forward.NewTransport(c.Timeouts.Connect, c.Timeouts.ResponseHeader)
	e.transport.TLSClientConfig.RootCAs = roots
	return forward.New(upstream, e.identity.cache, e.transport, forward.Options{
		MaxWait: orNone(c.Retry.MaxWait),
		MaxBody: orNone(int64(c.Retry.MaxBody)),
		Memory:  orNone(int64(c.Retry.Memory)),
		Dir:     c.Retry.Dir,
		Budget:  s.budget,
		SignIn:  authority,

		Gate:   e.gate,
		Spread: c.Affinity == "spread",

		Links:    links,
		Observer: s.leave.activity.observer(e.counts),
		Logger:   e.log,
		Draining: s.leave.draining,
	}), nil
}

// begin has the environment's listener serve it from now on, in place of what it
// served before.
func (e *environment) begin() {
	e.gate.Limit(int(e.config.MaxConcurrent))
	e.counts.Show(e.values)
	if e.certificates != nil {
		e.server.endpoint.UseCertificates(e.certificates)
	}
	e.server.stage.Store(e.stage)
}

// drain lets the listener's requests finish, until ctx ends.
func (e *environment) drain(ctx context.Context) {
	if e.server.drain(ctx) != nil {
		e.log.Warn("requests were cut off", slog.Any("reason", context.Cause(ctx)))
	}
}

// end waits for the last request of an environment that is served no more, and
// lets go of what it had.
func (e *environment) end() {
	e.stage.leave()
	e.transport.CloseIdleConnections()
	e.counts.Hide(e.values)
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
