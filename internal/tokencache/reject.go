package tokencache

import (
	"context"
	"time"
)

// A demand is the wish of everybody whose request was refused for a newer
// token than the current one. The fetching goroutine fulfils it once.
type demand struct {
	claims string        // JSON of a claims challenge; empty if a plain newer token will do
	failed int           // how often it could not be fulfilled with these claims
	done   chan struct{} // closed once the fields below are set
	got    *entry
	fresh  bool // got was asked for after the demand was made
	err    *Error
}

// A Wait waits for the answer to a [Cache.Reject]. Fresh says that the token
// was fetched because of the rejection, so that [Cache.Replayed] wants to know
// how it fares; otherwise a newer one was already there. The error is a
// [*Error].
type Wait = func(ctx context.Context) (token string, fresh bool, err error)

// Reject says that a server refused the token (with a claims challenge, if
// claims is not empty) and asks for a newer one, which the returned function
// waits for. Path is whatever requests have in common that are likely to be
// refused together. However many callers reject one token, one fetch answers them
// all; rejecting a token that is no longer current fetches nothing. The
// rejected token goes on serving others until the newer one is there.
//
// Where the latest three forced fetches did not help a path, the next is made for
// it only after a gap that doubles from 1 s to 30 s; until then the error comes
// at once and its Refused method says true. Fewer are not enough: tokens may be
// revoked a few times in a row.
func (c *Cache) Reject(token, claims, path string) Wait {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.current.Load()
	now := c.now()
	switch {
	case e == nil || !e.alive(now):
		return c.whenLive
	case c.failure != nil && c.failure.permanent:
		err := c.refusedSignIn(c.failure)
		return func(context.Context) (string, bool, error) { return "", false, err }
	case e.value != token && (claims == "" || e.claims != ""):
		return func(ctx context.Context) (string, bool, error) { return c.handOut(ctx, e, false) }
	}
	if e.value == token && e.forced && !e.judged && (claims == "" || e.claims == claims) {
		c.troubles.add(path, e, now, freeRefusals) // before anybody has seen it accepted
	}
	if wait := c.troubles.gapLeft(path, now); wait > 0 {
		return func(context.Context) (string, bool, error) { return "", false, stillRefused(wait) }
	}
	if e.value == token {
		c.disown(e)
	}
	if c.demand == nil {
		c.demand = &demand{done: make(chan struct{})}
	}
	if c.demand.claims == "" {
		c.demand.claims = claims
	}
	c.look()
	return c.await(c.demand, token, claims, path)
}

// handOut is e's token, or the current one if time has passed since e was.
func (c *Cache) handOut(ctx context.Context, e *entry, fresh bool) (string, bool, error) {
	if c.current.Load() == e && e.alive(c.now()) {
		return e.value, fresh, nil
	}
	return c.whenLive(ctx)
}

func (c *Cache) whenLive(ctx context.Context) (string, bool, error) {
	token, err := c.Token(ctx)
	return token, false, err
}

// await waits for a demand made because token was refused, with claims. Where
// others asked for other claims first, what they get may not do.
func (c *Cache) await(d *demand, token, claims, path string) Wait {
	return func(ctx context.Context) (string, bool, error) {
		select {
		case <-d.done:
		case <-ctx.Done():
			return "", false, c.unavailable(ctx)
		}
		switch {
		case d.err == nil:
		case d.err.permanent || claims != "":
			return "", false, d.err
		default: // it was for the claims of others
			return c.Reject(token, claims, path)(ctx)
		}
		if d.got.value == token {
			return "", false, stillRefused(c.noNewer(d.got, path))
		}
		return c.handOut(ctx, d.got, d.fresh && (claims == "" || claims == d.got.claims))
	}
}

// Replayed reports how a request for the path fared that was sent again with a
// fresh token. An acceptance makes the next forced fetch for it free; a refusal
// delays it.
func (c *Cache) Replayed(token, path string, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.current.Load()
	current := e != nil && e.value == token && e.forced
	if current {
		e.judged = true
	}
	switch {
	case ok:
		c.troubles.end(path)
	case current:
		c.troubles.add(path, e, c.now(), freeRefusals)
	}
}

// noNewer records that the source has no other token than the one that was
// refused, and says how long forced fetches are held off. There is no use in
// sending that one again, nor in asking once more at once.
func (c *Cache) noNewer(e *entry, path string) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if c.current.Load() == e && e.forced {
		c.troubles.add(path, e, now, 0)
	}
	return max(firstGap, c.troubles.gapLeft(path, now))
}
