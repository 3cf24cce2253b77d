package tokencache

import (
	"errors"
	"time"

	"golang.org/x/oauth2"
)

// An entry is one token with what is known of it. All but judged, which is
// guarded by the cache's mu, is fixed before the entry is published.
type entry struct {
	value     string
	sent      instant       // when its request was sent
	lifetime  time.Duration // from then until its expiry
	full      time.Duration // lifetime when the source first issued it
	refreshIn time.Duration // from sent until the server wants it renewed; 0 if it named no time
	usable    time.Duration // from sent until it is dead: expiry less a margin
	renew     time.Duration // from sent until it is to be renewed
	claims    string        // of the challenge that it was fetched to satisfy; may be empty
	forced    bool          // it was fetched because an earlier one was refused
	judged    bool          // it is known how a replay with it fared, if it was forced
}

func (e *entry) alive(now instant) bool         { return now.since(e.sent) < e.usable }
func (e *entry) due(now instant) bool           { return now.since(e.sent) >= e.renew }
func (e *entry) left(now instant) time.Duration { return e.usable - now.since(e.sent) }
func (e *entry) expires() time.Time             { return e.sent.wall.Add(e.lifetime) }

// newEntry judges a source's answer to a request sent at the given instant. A
// token whose expiry is that of the one before it (managed identity keeps a
// cache of its own) inherits the full lifetime of that one.
func (c *Cache) newEntry(t *oauth2.Token, sent instant, claims string, before *entry) (*entry, error) {
	if t.AccessToken == "" || t.ExpiresIn <= 0 {
		return nil, errors.New("the answer holds no token with a lifetime")
	}
	e := &entry{
		value:    t.AccessToken,
		sent:     sent,
		lifetime: time.Duration(t.ExpiresIn) * time.Second,
		claims:   claims,
	}
	e.full = e.lifetime
	if before != nil && e.expires().Sub(before.expires()).Abs() < max(time.Second, part(before.lifetime, 0.01)) {
		e.full = max(e.full, before.full)
	}
	if s, ok := t.Extra("refresh_in").(int64); ok {
		e.refreshIn = time.Duration(s) * time.Second
	}
	c.schedule(e)
	if !e.alive(c.now()) {
		return nil, errors.New("the answer's token is dead on arrival")
	}
	return e, nil
}

// schedule sets when e is to be renewed, and when it is dead.
func (c *Cache) schedule(e *entry) {
	e.usable = e.lifetime - deadBefore(e.full)
	e.renew = renewAfter(e.lifetime, e.refreshIn, c.renewAt, c.random(), longestRetry(e.full))
}
