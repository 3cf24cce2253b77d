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
	for ctx.Err() == nil {
		if claims, due := c.due(); due {
			c.fetch(ctx, claims)
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

// due says whether to fetch now, and with which claims.
func (c *Cache) due() (claims string, due bool) {
	mended := c.signInRefused() && c.changed()
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.now()
	e := c.current.Load()
	live := e != nil && e.alive(now)
	if c.demand != nil {
		claims = c.demand.claims
	}
	if f := c.failure; f != nil {
		return claims, mended || now.since(f.at) >= f.wait(live)
	}
	return claims, c.demand != nil || !live || e.due(now)
}

func (c *Cache) signInRefused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure != nil && c.failure.permanent
}

// untilLook is the time until a fetch is due, but a tick at most: timers
// stand still while the machine is suspended, and clocks are set.
func (c *Cache) untilLook() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.now()
	e := c.current.Load()
	left := tick
	switch f := c.failure; {
	case f != nil:
		left = f.wait(e != nil && e.alive(now)) - now.since(f.at)
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
func (c *Cache) fetch(ctx context.Context, claims string) {
	sent := c.clock.now()
	limited, cancel := context.WithTimeout(ctx, fetchLimit(c.lifetime()))
	token, err := c.source.Token(limited, claims)
	cancel()
	if ctx.Err() != nil {
		return // stopped
	}
	took := c.clock.now().since(sent)
	var e *entry
	if err == nil {
		e, err = c.newEntry(token, sent, claims, c.current.Load())
	}
	if err != nil {
		c.fail(err)
	} else {
		c.publish(e)
	}
	c.onRenewal(Renewal{Took: took, Err: err})
}

// publish makes e the current token and answers everybody who waits for it.
func (c *Cache) publish(e *entry) {
	c.mu.Lock()
	if d := c.demand; d != nil && (d.claims == "" || e.claims) {
		e.forced = true
		d.got = e
		close(d.done)
		c.demand = nil
	}
	c.current.Store(e)
	c.failure = nil
	c.renewals++
	c.announce()
	c.mu.Unlock()
	c.log.Info("token renewed", slog.Duration("lifetime", e.lifetime), slog.Duration("renew_after", e.renew))
}

// fail records a fetch that brought no token. Those who wait go on waiting,
// but for a permanent failure.
func (c *Cache) fail(err error) {
	f := &failure{err: err, at: c.clock.now(), count: 1}
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
	if d := c.demand; d != nil && f.permanent {
		d.err = c.refusedSignIn(f)
		close(d.done)
		c.demand = nil
	}
	_, live := c.Live()
	c.announce()
	c.mu.Unlock()
	c.log.Warn("token renewal failed", slog.Any("error", err), slog.Duration("retry_in", f.wait(live)), slog.Bool("token_alive", live))
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
