// Package tokencache keeps one token fresh and hands it out.
//
// A [Cache] asks its [Source] for a token, renews it well ahead of expiry and
// serves it from memory. Handing out a live token takes no lock, allocates
// nothing and never waits. All fetching happens in the one goroutine that
// [Cache.Run] is called on, so that at most one fetch is in flight and none is
// tied to a caller's context. A failed renewal keeps the current token in use
// until it dies; only then do callers wait, each by its own context.
//
// A token that a server has refused is reported by [Cache.Reject], which asks
// for a newer one but takes none away: a path that refuses every token must
// not starve the others. [Cache.Replayed] tells how the newer one fared, and
// from that the cache learns where fetching on demand does not help.
//
// A [Store] keeps the token for the next process. It is told of each renewal and
// rejection by a goroutine of its own, and nothing that hands out a token, or
// fetches one, waits for it.
//
// Life is counted from the moment a token's request was sent, by both the wall
// clock and the monotonic clock (see [Clock]).
package tokencache

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
)

// A Source fetches a token anew at each call; it must not cache. The answer's
// ExpiresIn is its lifetime in seconds from the request, above 0; Extra
// "refresh_in", an int64 of seconds, is optional. Claims is the JSON of a
// claims challenge, or empty.
//
// An error may have the methods Permanent() bool (no use in trying again soon)
// and RetryAfter() time.Duration (the server's wish). Its text reaches logs
// and clients, so it must hold neither a secret nor an answer's body.
type Source interface {
	Token(ctx context.Context, claims string) (*oauth2.Token, error)
}

// Options are the optional settings of a Cache. The zero value is the default.
type Options struct {
	// RenewAt is the fraction of a token's life after which a renewal is
	// tried. Default 0.33.
	RenewAt float64
	// Changed reports whether the credential has changed since the last fetch
	// (say, the secret's file). While sign-in is refused it is asked every
	// second, and a true brings the next fetch forward. Default: never.
	Changed func() bool
	// OnRenewal is told of each fetch as it ends. Default: nobody is.
	OnRenewal func(Renewal)
	// Logger gets one line a fetch. Default: none.
	Logger *slog.Logger
	// Store keeps the token for the next process. Default: it ends with this one.
	Store Store
	// Clock is the time. Default: [SystemClock].
	Clock Clock
	// Uptime is that of the machine. Default: [SystemUptime].
	Uptime Uptime
	// Random is in [0,1), for jitter. Default: [rand.Float64].
	Random func() float64
}

// A Renewal is one fetch that has ended; Err is nil if it brought a token.
type Renewal struct {
	Took time.Duration
	Err  error
}

// A Cache holds the current token of one source. Its methods may be called at
// any time from any goroutine, but nothing is fetched until Run is called.
type Cache struct {
	source    Source
	renewAt   float64
	changed   func() bool
	onRenewal func(Renewal)
	log       *slog.Logger
	store     Store // may be nil
	clock     Clock
	uptime    Uptime
	random    func() float64

	current   atomic.Pointer[entry] // nil until the first fetch; stored under mu
	suspended atomic.Int64          // ns that the monotonic clock has missed
	wake      chan struct{}         // has room for one: the fetching goroutine should look again

	mu       sync.Mutex    // guards the fields below, and is never held across a fetch
	outcome  chan struct{} // closed, and replaced, as each fetch ends
	failure  *failure      // of the latest fetch; nil if it brought a token
	demand   *demand       // for a newer token than the current one; nil if there is none
	troubles troubles
	renewals int
	failures int
	keeping  keeping
}

// New returns a cache of the source's token. Call [Cache.Run] to start it.
func New(source Source, o Options) *Cache {
	c := &Cache{
		source: source, renewAt: o.RenewAt, changed: o.Changed, onRenewal: o.OnRenewal,
		log: o.Logger, store: o.Store, clock: o.Clock, uptime: o.Uptime, random: o.Random,
		wake: make(chan struct{}, 1), outcome: make(chan struct{}), troubles: troubles{}, keeping: keeping{wake: make(chan struct{}, 1)},
	}
	if c.renewAt == 0 {
		c.renewAt = defaultRenewAt
	}
	if c.changed == nil {
		c.changed = func() bool { return false }
	}
	if c.onRenewal == nil {
		c.onRenewal = func(Renewal) {}
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.clock == nil {
		c.clock = SystemClock()
	}
	if c.uptime == nil {
		c.uptime = SystemUptime
	}
	if c.random == nil {
		c.random = rand.Float64
	}
	return c
}

// Live returns the current token if it is alive. It never waits.
func (c *Cache) Live() (token string, ok bool) {
	if e := c.current.Load(); e != nil && e.alive(c.now()) {
		return e.value, true
	}
	return "", false
}

// Token returns the current token, and waits for one only while none is
// alive. The error is a [*Error]: at once when sign-in is refused, else when
// ctx ends.
func (c *Cache) Token(ctx context.Context) (string, error) {
	if token, ok := c.Live(); ok {
		return token, nil
	}
	for {
		c.mu.Lock()
		outcome, failed := c.outcome, c.failure
		c.mu.Unlock()
		if token, ok := c.Live(); ok {
			return token, nil
		}
		if failed != nil && failed.permanent {
			return "", c.refusedSignIn(failed)
		}
		c.look()
		select {
		case <-outcome:
		case <-ctx.Done():
			return "", c.unavailable(ctx)
		}
	}
}

// look makes the fetching goroutine look at the clocks and demands now.
func (c *Cache) look() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
