package tokencache

import (
	"context"
	"fmt"
	"time"
)

// An Error says why there is no token to be had. Its text names no secret, as
// long as the source keeps its promise.
type Error struct {
	what       string
	retryAfter time.Duration
	permanent  bool
	refused    bool
	err        error // of the latest fetch, or the caller's context; may be nil
}

func (e *Error) Error() string {
	if e.err == nil {
		return e.what
	}
	return fmt.Sprintf("%s: %v", e.what, e.err)
}

func (e *Error) Unwrap() error { return e.err }

// RetryAfter is the time until the next fetch, 0 or more.
func (e *Error) RetryAfter() time.Duration { return e.retryAfter }

// Permanent says that sign-in was refused: waiting does not help, mending does.
func (e *Error) Permanent() bool { return e.permanent }

// Refused says that tokens can be had but a server refuses even fresh ones.
func (e *Error) Refused() bool { return e.refused }

// A failure is the latest fetch, if it brought no token.
type failure struct {
	err        error
	at         instant
	count      int // failures in a row
	backoff    time.Duration
	serverWait time.Duration // the token endpoint's Retry-After
	permanent  bool
}

// wait is the time from the failure to the next try. The server's wish is
// obeyed in full while a token is alive; without one, only up to a minute.
func (f *failure) wait(live bool) time.Duration {
	if live {
		return max(f.backoff, f.serverWait)
	}
	return max(f.backoff, min(f.serverWait, maxServerWait))
}

// retryIn is the time from now until the next try after the latest fetch, which
// failed; below 0 if it is overdue. A token that was refused is as good as none.
// Callers hold mu.
func (c *Cache) retryIn(now instant) time.Duration {
	e := c.current.Load()
	live := e != nil && e.alive(now) && c.demand == nil
	return c.failure.wait(live) - now.since(c.failure.at)
}

// refusedSignIn is the error for a permanent failure.
func (c *Cache) refusedSignIn(f *failure) *Error {
	left := f.wait(false) - c.now().since(f.at)
	return &Error{what: "sign-in refused", permanent: true, retryAfter: max(0, left), err: f.err}
}

// stillRefused is the error while forced fetches are held off.
func stillRefused(wait time.Duration) *Error {
	return &Error{what: "a fresh token was refused too", refused: true, retryAfter: max(0, wait)}
}

// unavailable is the error for a caller whose context ended in a wait.
func (c *Cache) unavailable(ctx context.Context) *Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := &Error{what: "no token in time", err: context.Cause(ctx)}
	if f := c.failure; f != nil {
		e.retryAfter = max(0, c.retryIn(c.now()))
		e.err = f.err
	}
	return e
}
