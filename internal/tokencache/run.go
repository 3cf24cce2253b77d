package tokencache

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/oauth2"
)

// Run keeps the token fresh until ctx ends. Call it once, on a goroutine of
// its own: all fetching is done here, one fetch after the other.
func (c *Cache) Run(ctx context.Context) {
	if c.store != nil {
		defer c.keep(ctx)()
	}
	noticeSuspend := c.suspendWatch()
	for ctx.Err() == nil {
		noticeSuspend()
		if asked, due := c.due(); due {
			c.fetch(ctx, asked)
		}
		timer := time.NewTimer(c.untilLook())
		select {
		case <-ctx.Done():
		case <-c.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// due says whether to fetch now, and what is asked for.
func (c *Cache) due() (asked request, due bool) {
	mended := c.mayBeMended() && c.changed()
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	e := c.current.Load()
	if asked.demand = c.demand; asked.demand != nil {
		asked.claims = asked.demand.claims
	}
	if c.failure != nil {
		return asked, mended || c.retryIn(now) <= 0
	}
	return asked, c.demand != nil || e == nil || !e.alive(now) || e.due(now)
}

// A request is what one fetch is for.
type request struct {
	demand *demand // the one there was when the fetch began; nil if none
	claims string  // of the demand, as it was then
}

// mayBeMended says whether another credential may end the latest failure: not
// one after which the server wants to be left alone.
func (c *Cache) mayBeMended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure != nil && (c.failure.permanent || c.failure.serverWait == 0)
}

// untilLook is the time until a fetch is due, but a tick at most: timers
// stand still while the machine is suspended, and clocks are set.
func (c *Cache) untilLook() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	e := c.current.Load()
	left := tick
	switch {
	case c.failure != nil:
		left = c.retryIn(now)
	case e != nil:
		left = min(e.left(now), e.renew-now.since(e.sent))
	}
	return max(time.Millisecond, min(tick, left))
}

// lifetime is how long the source's tokens live, as far as is known.
func (c *Cache) lifetime() time.Duration {
	if e := c.current.Load(); e != nil {
		return e.full
	}
	return assumedLifetime
}

// fetch asks the source once and publishes the outcome.
func (c *Cache) fetch(ctx context.Context, asked request) {
	sent := c.now()
	limited, cancel := context.WithTimeout(ctx, fetchLimit(c.lifetime()))
	token, err := c.source.Token(limited, asked.claims)
	cancel()
	if ctx.Err() != nil {
		return // stopped
	}
	took := c.now().since(sent)
	var e *entry
	if err == nil {
		e, err = c.newEntry(token, sent, asked.claims, c.current.Load())
	}
	if err != nil {
		c.fail(err, asked)
	} else {
		c.publish(e, asked)
	}
	c.onRenewal(Renewal{Took: took, Err: err})
}

// publish makes e the current token and answers everybody who waits for it. A
// demand that was made while the fetch was on its way gets a token that may be
// older than the reason for the demand, and so is not fresh.
func (c *Cache) publish(e *entry, asked request) {
	c.mu.Lock()
	d := c.demand
	answered := d != nil && (d.claims == "" || e.claims != "")
	if answered {
		d.fresh = d == asked.demand
		e.forced = d.fresh
		d.got = e
	}
	c.current.Store(e)
	if answered {
		c.settle(d) // after the store: who is woken looks at the current token
	}
	c.toKeep(e)
	c.failure = nil
	c.renewals++
	c.announce()
	c.mu.Unlock()
	c.log.Info("token renewed", slog.Duration("lifetime", e.lifetime), slog.Duration("renew_after", e.renew))
}

// fail records a fetch that brought no token. Those who wait go on waiting,
// but for a permanent failure, and after a few for claims: those may be what the
// endpoint cannot do, and must not keep it from plain renewals.
func (c *Cache) fail(err error, asked request) {
	f := &failure{err: err, at: c.now(), count: 1}
	f.permanent, f.serverWait = wishes(err)
	c.mu.Lock()
	if c.failure != nil {
		f.count = c.failure.count + 1
	}
	f.backoff = backoff(f.count, c.lifetime(), c.random())
	if f.permanent {
		f.backoff = permanentRetry
	}
	c.failure = f
	c.failures++
	switch d := c.demand; {
	case d == nil:
	case f.permanent:
		d.err = c.refusedSignIn(f)
		c.settle(d)
	case asked.claims != "" && d == asked.demand:
		if d.failed++; d.failed == claimsTries {
			d.err = &Error{what: "no token with the claims that were asked for", retryAfter: f.backoff, err: err}
			c.settle(d)
		}
	}
	retryIn := c.retryIn(f.at)
	_, live := c.Live()
	c.announce()
	c.mu.Unlock()
	c.log.Warn("token renewal failed", slog.Any("error", err), slog.Duration("retry_in", retryIn), slog.Bool("token_alive", live))
}

// settle ends the demand, whose outcome has been set. Callers hold mu.
func (c *Cache) settle(d *demand) {
	close(d.done)
	c.demand = nil
}

// announce wakes everybody who waits for an outcome. Callers hold mu.
func (c *Cache) announce() {
	close(c.outcome)
	c.outcome = make(chan struct{})
}

// wishes reads the optional methods of a source's error.
func wishes(err error) (permanent bool, retryAfter time.Duration) {
	var p interface{ Permanent() bool }
	if errors.As(err, &p) {
		permanent = p.Permanent()
	}
	var r interface{ RetryAfter() time.Duration }
	if errors.As(err, &r) {
		retryAfter = r.RetryAfter()
	}
	return permanent, retryAfter
}

// A SourceFunc is a function used as a [Source].
type SourceFunc func(ctx context.Context, claims string) (*oauth2.Token, error)

// Token calls f.
func (f SourceFunc) Token(ctx context.Context, claims string) (*oauth2.Token, error) {
	return f(ctx, claims)
}
