package forward

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

// Tokens is where tokens come from. Errors have the methods RetryAfter,
// Permanent and Refused.
type Tokens interface {
	// Live returns the current token, if it is alive.
	Live() (token string, ok bool)
	// Token waits for a live token.
	Token(ctx context.Context) (string, error)
	// Reject says that upstream refused a token, and asks for a newer one (one
	// that satisfies claims, if that is not empty), which the returned function
	// waits for. Fresh is one that was fetched because of the rejection. Path is
	// what tells a path that refuses every token from one whose token was revoked.
	Reject(token, claims, path string) func(ctx context.Context) (newer string, fresh bool, err error)
	// Replayed tells how a fresh token fared.
	Replayed(token, path string, accepted bool)
}

// mostAttempts is how often one request is sent at most, for each reason.
const mostAttempts = 4

// authorize sends a request with a token, and again with a newer one if
// upstream refuses it. The client never sees that refusal: either a later
// attempt is answered otherwise, or there is an error of our own. Whether a
// newer one may help where a fresh one did not is for the tokens to say.
type authorize struct {
	gate        *Gate
	tokens      Tokens
	signInHosts []string
	next        http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (a *authorize) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	x := exchangeOf(ctx)
	token, err := a.token(ctx, x)
	if err != nil {
		return nil, err
	}
	var fresh, claimed bool
	for attempt := 1; ; attempt++ {
		resp, err := a.send(r, x, token)
		if err != nil {
			return nil, err
		}
		c := challengeOf(resp, x.path, a.signInHosts)
		again := c.claims != "" && claimed
		if fresh && (!c.refused || c.claims == "" || again) {
			a.tokens.Replayed(token, pathOf(r, x), !c.refused)
		}
		switch {
		case !c.refused:
			return resp, nil
		case attempt == mostAttempts || fresh && again:
			return giveUp(resp, c, errUnauthorized)
		}
		claimed = c.claims != ""
		if token, fresh, err = a.newer(r, x, token, resp, c); err != nil {
			return giveUp(resp, c, err)
		}
		discard(resp)
	}
}

// pathOf is the same for requests that differ only in keys and parameters.
func pathOf(r *http.Request, x *exchange) string { return r.Method + " " + elided(x.path) }

// giveUp ends in an error, but for a page of HTML that fresh tokens get too:
// then it is not about the token, and goes to the client.
func giveUp(resp *http.Response, c challenge, err error) (*http.Response, error) {
	if c.html && (errors.Is(err, errUnauthorized) || isStillRefused(err)) {
		return resp, nil
	}
	discard(resp)
	return nil, err
}

// token is the token for a first attempt.
func (a *authorize) token(ctx context.Context, x *exchange) (token string, err error) {
	if token, ok := a.tokens.Live(); ok {
		return token, nil
	}
	err = a.hold(ctx, x, func(ctx context.Context) (err error) {
		token, err = a.tokens.Token(ctx)
		return err
	})
	return token, err
}

// errPaused is a pause that began while a request waited for a token. It has to
// wait for its turn again.
var errPaused = errors.New("sending was paused meanwhile")

// hold waits for a token.
func (a *authorize) hold(ctx context.Context, x *exchange, wait func(context.Context) error) error {
	if err := x.hold(ctx, "token", wait); err != nil {
		return err
	}
	if a.gate.isPaused() {
		return errPaused
	}
	return nil
}

// newer is the token for the attempt after a refusal. An answer that is of no
// more use is discarded at once, which ends the attempt's reading of the body.
func (a *authorize) newer(r *http.Request, x *exchange, token string, resp *http.Response, c challenge) (newer string, fresh bool, err error) {
	wait := a.tokens.Reject(token, c.claims, pathOf(r, x))
	if !c.html {
		discard(resp)
	}
	if c.html && r.Method != http.MethodGet {
		return "", false, errSignInPage
	}
	x.reason = "unauthorized"
	if c.claims != "" {
		x.reason = "claims"
	}
	if !x.replayable() {
		return "", false, errReplayImpossible
	}
	err = a.hold(r.Context(), x, func(ctx context.Context) error {
		newer, fresh, err = wait(ctx)
		return err
	})
	return newer, fresh, err
}

// send makes one attempt. Header map and body are the attempt's own, since the
// transport may hold on to them after it has returned.
func (a *authorize) send(r *http.Request, x *exchange, token string) (*http.Response, error) {
	ctx := r.Context()
	if ctx.Err() != nil { // the client has gone: nothing is executed for it
		return nil, context.Cause(ctx)
	}
	attempt := r.WithContext(x.begin(ctx, isSafe(r.Method)))
	attempt.Header = r.Header.Clone()
	attempt.Header["Authorization"] = []string{"Bearer " + token}
	x.header = attempt.Header
	if x.body != nil {
		attempt.Body = &attemptBody{view: x.body.view(), client: ctx, began: time.Now()}
	}
	x.attempts++
	x.proxy.observer.Attempt(x.reason)
	resp, err := a.next.RoundTrip(attempt)
	if err != nil {
		return nil, x.failure(ctx, err)
	}
	return resp, nil
}

// discard reads what is left of a short answer, so that its connection can
// serve again, and closes it; one that takes its time is closed all the same.
// A second time does nothing.
func discard(resp *http.Response) {
	const short, soon = 64 << 10, 500 * time.Millisecond
	stop := time.AfterFunc(soon, func() { _ = resp.Body.Close() })
	defer stop.Stop()
	_, _ = io.CopyN(io.Discard, resp.Body, short)
	_ = resp.Body.Close()
}
