package forward

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"dvproxy/internal/odata"
)

// An exchange is one request of a client's on its way to an answer. It goes
// with the request's context to where attempts are made.
type exchange struct {
	proxy    *Proxy
	links    *odata.View
	target   string  // what goes upstream, in origin-form
	path     string  // of it, without its query
	body     *keeper // nil if the request has none
	mapped   bool    // the body's links are mapped, so that its length may change
	gzip     bool    // the client asked for gzip
	http10   bool    // the client speaks HTTP/1.0
	number   uint64  // in the order of the gate; 0 before it got there
	attempts int
	reason   string        // of the next attempt
	held     time.Duration // so far
	traced   atomic.Bool   // the transport tells which connections it uses
	conn     atomic.Pointer[connUse]
	resent   func()      // the transport sends the attempt a second time
	header   http.Header // of the attempt; it is written once there is a connection
	problem  *Problem    // the answer of our own, if there is one
}

// A connUse is an attempt's use of a connection.
type connUse struct {
	conn   *conn // nil if it does not count
	before int64 // bytes written when the attempt got it
}

// exchange begins the exchange for a client's request.
func (p *Proxy) exchange(r *http.Request) *exchange {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	x := &exchange{
		proxy: p, links: p.links.At(scheme, r.Host), reason: "first",
		gzip: acceptsGzip(r.Header["Accept-Encoding"]), http10: !r.ProtoAtLeast(1, 1),
	}
	x.target = x.links.Target(originForm(r.RequestURI))
	x.path, _, _ = strings.Cut(x.target, "?")
	return x
}

type exchangeKey struct{}

// into returns a context that carries the exchange and lets it know which
// connections its attempts use.
func (x *exchange) into(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, exchangeKey{}, x)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { x.traced.Store(true) },
		GotConn: x.gotConn,
	})
}

func exchangeOf(ctx context.Context) *exchange {
	return ctx.Value(exchangeKey{}).(*exchange)
}

func (x *exchange) gotConn(info httptrace.GotConnInfo) {
	if x.conn.Load() != nil && x.sent() {
		x.resent()
		return // and the attempt stays one of which something was sent
	}
	use := &connUse{conn: connOf(info.Conn)}
	if use.conn != nil {
		use.before = use.conn.written.Load()
		use.conn.begins.Store(true)
	}
	x.conn.Store(use)
	if use.conn != nil && use.conn.isOld() {
		x.header["Connection"] = []string{"close"} // after this request
	}
}

// errResent ends an attempt that the transport was about to make twice.
var errResent = errors.New("the connection broke")

// begin forgets the connections of an earlier attempt and returns the context
// of the next. Unless the method is safe, the attempt ends if the transport
// takes a second connection for it after a byte was sent on the first: over
// HTTP/2 the standard transport sends again what it believes to be unprocessed,
// and believes too much.
func (x *exchange) begin(ctx context.Context, safe bool) context.Context {
	x.traced.Store(false)
	x.conn.Store(nil)
	x.resent = func() {}
	if safe {
		return ctx
	}
	ctx, cancel := context.WithCancelCause(ctx) // ends with the client's request
	x.resent = func() { cancel(errResent) }
	return ctx
}

// sent says whether any byte may have gone to upstream since the attempt
// began: not if the transport looked for a connection and got none, or one
// that counted none since.
func (x *exchange) sent() bool {
	use := x.conn.Load()
	if use == nil {
		return !x.traced.Load()
	}
	return use.conn == nil || use.conn.written.Load() > use.before
}

// hold keeps the request back while wait runs, within what is left of the
// longest time that it may be held. The body is read before, so that a client
// that goes away is noticed: its request ends with its context's error. While
// the proxy is draining it lets go at once.
func (x *exchange) hold(ctx context.Context, reason string, wait func(context.Context) error) error {
	letGo, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(x.proxy.draining, func() { cancel(errDraining) })()
	if err := x.fillUntil(letGo); err != nil {
		return err
	}
	x.proxy.observer.Holding(reason)
	start := time.Now()
	limited, cancelLimited := context.WithTimeout(letGo, x.proxy.maxWait-x.held)
	defer cancelLimited()
	err := wait(limited)
	took := time.Since(start)
	x.held += took
	x.proxy.observer.Held(reason, took)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil && letGo.Err() != nil:
		return errDraining
	}
	return err
}

func (x *exchange) fill(ctx context.Context) error {
	if x.body == nil {
		return nil
	}
	return x.body.fill(ctx)
}

// fillUntil is fill, but once ctx is done it leaves the reading to itself: that
// may be waiting for the client.
func (x *exchange) fillUntil(ctx context.Context) error {
	if x.body == nil || x.body.ended() {
		return x.fill(ctx)
	}
	filled := make(chan error, 1)
	go func() { filled <- x.body.fill(ctx) }()
	select {
	case err := <-filled:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// answer answers the client with a problem of our own, and notes it.
func (x *exchange) answer(w http.ResponseWriter, r *http.Request, problem Problem) {
	x.problem = &problem
	problem.Write(w, r)
}

// leaveBody ends the exchange's hold on the client's body. Where the client was
// answered before it had sent all of it, its connection is to be closed; over
// HTTP/2, which others share, net/http resets the stream.
func (x *exchange) leaveBody(r *http.Request) {
	if r.ProtoMajor < 2 && !x.body.ended() {
		hangUp(r.Context())
	}
	x.body.close()
}

func (x *exchange) replayable() bool { return x.body == nil || x.body.replayable() }

// failure sorts an attempt's error: the client's own, or the transport's.
func (x *exchange) failure(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if x.body != nil {
		if own := x.body.clientError(); own != nil {
			return own
		}
		if errors.Is(err, errLost) {
			return errReplayImpossible
		}
	}
	return &transportError{err: err, sent: x.sent() && !isRefusedStream(err)}
}
