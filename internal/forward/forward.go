// Package forward sends a client's request upstream with a token, and the
// answer back.
//
// A [Proxy] is httputil.ReverseProxy with five things of its own:
//
//   - what goes upstream is what the client wrote, byte for byte, but for the
//     origin, the credential and the headers of the connection (target.go,
//     header.go);
//   - a round tripper that adds the token and sends the request again, with a
//     newer token, when upstream refuses it (authorize.go, challenge.go), and
//     another that sends it again when the connection failed or upstream was
//     not to be had (retry.go);
//   - a gate that all requests pass in the order in which they came: it holds
//     them while Dataverse's service protection says so, and for a place among
//     those that may be under way (pace.go, gate.go, pause.go, limit.go);
//   - one that lets links lead to the proxy in answers and to upstream in
//     requests, and reads short answers whole (translate.go, whole.go, gzip.go);
//   - a keeper that owns the request's body, so that it can be sent again
//     (keeper.go, view.go, store.go).
//
// Above all: nothing is executed twice, and nothing for a client that has
// gone. A request whose bytes went out is sent again only if its answer says
// that it was not executed, or its method says that it does not matter.
package forward

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"time"

	"dvproxy/internal/odata"
)

// An Observer is told what a [Proxy] does, for metrics. Its methods are called
// from many goroutines.
type Observer interface {
	Started()
	// Finished tells of a request that was answered with a status, or 0 if the
	// client went before.
	Finished(method string, status int, took time.Duration)
	// Attempt tells of a request being sent upstream: first, or again since
	// unauthorized, claims, throttled, unavailable or connection.
	Attempt(reason string)
	// Holding tells of a request that is kept back from now on: for a token, for
	// the end of a pause (throttled), for a place (concurrency), or before the
	// next attempt (unavailable, connection).
	Holding(reason string)
	// Held tells of its going on, or giving up.
	Held(reason string, took time.Duration)
}

// Options are the optional settings of a [Proxy]. The zero value is the
// default.
type Options struct {
	MaxWait  time.Duration // longest that one request is held; default 60 s, below 0: not at all
	MaxBody  int64         // bytes of the largest body kept for a replay; default 128 MiB, below 0: none
	Memory   int64         // bytes of it that are kept in memory; default 256 KiB, below 0: none
	Dir      string        // for the rest; default: the system's temporary folder
	Budget   *Budget       // memory for all bodies; default: 16 MiB of this proxy's own
	Links    *odata.Mapper // default: links are not mapped
	SignIn   *url.URL      // beside Entra's own places: a redirect to this host is a refused token
	Observer Observer      // default: none
	Logger   *slog.Logger  // gets one line a request; default: none

	// Draining is done once the proxy drains: requests that are held are let go
	// then, and no more are held. Default: never.
	Draining context.Context

	// Gate is where requests wait for their turn. Default: one of this proxy's own,
	// without a limit but Dataverse's.
	Gate *Gate

	// Spread drops the cookies by which Dataverse keeps a client on one web
	// server, so that parallel work is spread over all of them.
	Spread bool
}

// A Proxy forwards to one upstream origin. It is an [http.Handler] for a
// server with DisableGeneralOptionsHandler and, for clients of HTTP/1.0 to
// notice a broken answer, [ConnContext].
type Proxy struct {
	upstream *url.URL
	links    *odata.Mapper
	keeping  *keeping
	maxWait  time.Duration
	draining context.Context
	spread   bool
	observer Observer
	log      *slog.Logger
	reverse  *httputil.ReverseProxy
}

// New returns a proxy to upstream, of which scheme and host count. The
// transport must not retry nor follow anything by itself; see [NewTransport].
func New(upstream *url.URL, tokens Tokens, transport http.RoundTripper, o Options) *Proxy {
	o = o.withDefaults()
	pool := &bufferPool{}
	p := &Proxy{
		upstream: &url.URL{Scheme: upstream.Scheme, Host: upstream.Host},
		links:    o.Links,
		keeping:  &keeping{maxBody: o.MaxBody, memory: o.Memory, dir: o.Dir, budget: o.Budget, buffers: pool, log: o.Logger},
		maxWait:  max(0, o.MaxWait),
		draining: o.Draining,
		spread:   o.Spread,
		observer: o.Observer,
		log:      o.Logger,
	}
	hosts := slices.Clone(signInHosts)
	if o.SignIn != nil {
		hosts = append(hosts, signInHost(o.SignIn))
	}
	send := &authorize{gate: o.Gate, tokens: tokens, signInHosts: hosts, next: transport}
	p.reverse = &httputil.ReverseProxy{
		Rewrite:        p.rewrite,
		Transport:      &retry{&translate{next: &pace{o.Gate, send}}},
		BufferPool:     pool,
		ModifyResponse: p.modifyResponse,
		ErrorHandler:   p.fail,
		ErrorLog:       slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	return p
}

func (o Options) withDefaults() Options {
	if o.MaxWait == 0 {
		o.MaxWait = time.Minute
	}
	if o.MaxBody == 0 {
		o.MaxBody = 128 << 20
	}
	if o.Memory == 0 {
		o.Memory = 256 << 10
	}
	if o.Budget == nil {
		o.Budget = NewBudget(16 << 20)
	}
	if o.Draining == nil {
		o.Draining = context.Background()
	}
	if o.Observer == nil {
		o.Observer = noObserver{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Gate == nil {
		o.Gate = NewGate(0, o.Logger)
	}
	return o
}

type noObserver struct{}

func (noObserver) Started()                            {}
func (noObserver) Finished(string, int, time.Duration) {}
func (noObserver) Attempt(string)                      {}
func (noObserver) Holding(string)                      {}
func (noObserver) Held(string, time.Duration)          {}

// ServeHTTP forwards one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	p.observer.Started()
	x := p.exchange(r)
	out := &responseWriter{ResponseWriter: w, http10: !r.ProtoAtLeast(1, 1), draining: p.draining}
	completed := false
	defer func() { p.finish(r, x, out, start, completed) }()
	if !isTarget(r) {
		x.answer(out, r, badTarget())
		completed = true
		return
	}
	if r.ContentLength != 0 {
		// An answer must be able to leave while the client still sends.
		_ = http.NewResponseController(w).EnableFullDuplex()
		x.body = p.keeping.keep(x.mapBody(r), r.ContentLength)
		if r.ProtoMajor < 2 {
			out.body = x.body
		}
		defer x.leaveBody(r)
	}
	r = r.WithContext(x.into(r.Context()))
	if x.body != nil {
		r.Body = io.NopCloser(http.NoBody) // each attempt has a view of its own
	}
	p.reverse.ServeHTTP(out, r)
	completed = true
}

// rewrite makes the request to upstream from the client's.
func (p *Proxy) rewrite(pr *httputil.ProxyRequest) {
	retarget(pr.Out, exchangeOf(pr.In.Context()).target, p.upstream)
	cleanRequest(pr.Out.Header)
	askForGzip(pr.Out.Header)
	respell(pr.Out.Header)
	pr.Out.Trailer = pr.In.Trailer
	if p.spread {
		dropAffinity(pr.Out.Header)
	}
}

// modifyResponse makes the client's answer from upstream's.
func (p *Proxy) modifyResponse(resp *http.Response) error {
	cleanResponse(resp.Header)
	if p.spread {
		dropSetAffinity(resp.Header)
	}
	return nil
}

// fail answers a request for which there is no answer from upstream.
func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // nobody is there to be answered
	}
	exchangeOf(r.Context()).answer(w, r, problemOf(err, p.maxWait))
}

// finish tells of the request, whichever way it ended. Where it did not end
// with a whole answer, a client of HTTP/1.0 must not take it for one.
func (p *Proxy) finish(r *http.Request, x *exchange, w *responseWriter, start time.Time, completed bool) {
	took := time.Since(start)
	p.observer.Finished(r.Method, w.status, took)
	p.logRequest(r, x, w, took, completed)
	if !completed && w.http10 {
		resetOnClose(r.Context())
	}
}
