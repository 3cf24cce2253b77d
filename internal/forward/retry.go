package forward

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"
)

const firstPause = 500 * time.Millisecond // before the second attempt; then doubling

// retry sends a request again when the connection failed, or upstream was not
// to be had, and nobody can have executed it, or executing it twice does no
// harm.
type retry struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t *retry) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r.Context())
	start := time.Now()
	for attempt, pause := 1, firstPause; ; attempt, pause = attempt+1, 2*pause {
		resp, err := t.next.RoundTrip(r)
		reason, wait := again(r, x, resp, err)
		wait = max(wait, pause)
		if reason == "" || attempt == mostAttempts || time.Since(start)+wait > x.proxy.maxWait {
			return resp, err
		}
		if resp != nil {
			discard(resp)
		}
		x.reason = reason
		if err := x.hold(r.Context(), reason, sleep(wait)); err != nil {
			return nil, err
		}
	}
}

// again says why a request may be sent again, and when at the earliest; it may
// not if there is no reason.
func again(r *http.Request, x *exchange, resp *http.Response, err error) (reason string, after time.Duration) {
	switch {
	case err != nil && repeatable(r, x, err):
		return "connection", 0
	case err == nil && isUnavailable(resp.StatusCode) && isSafe(r.Method) && x.replayable():
		return "unavailable", retryAfter(resp.Header, time.Now())
	}
	return "", 0
}

// isUnavailable says whether an answer means that upstream was not to be had.
// It may also be that of a plug-in, which has run: then only what is safe may be
// sent again.
func isUnavailable(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// repeatable says whether a request that failed may be sent again. After a
// byte of it was sent, only what is safe by definition may (RFC 9110 9.2.1): a
// repeated DELETE or PUT gets another answer than the one that was lost.
func repeatable(r *http.Request, x *exchange, err error) bool {
	var failed *transportError
	if !errors.As(err, &failed) || failed.timedOut() || !x.replayable() {
		return false
	}
	return isSafe(r.Method) || !failed.sent
}

// isSafe says whether sending a request twice does no harm.
func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

func sleep(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// A refusedStream has the fields of net/http's HTTP/2 stream error, which fills
// them in through errors.As; its type has no name that we could use.
type refusedStream struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (refusedStream) Error() string { return "stream refused" }

// cannotRetry is net/http's error for a request with a body on a stream that
// upstream refused, or that came after the last one it processes before it
// goes away. The cause is in its text only.
var cannotRetry = regexp.MustCompile(`cannot retry err \[(stream error: stream ID \d+; REFUSED_STREAM; received from peer|http2: Transport received Server's graceful shutdown GOAWAY)\]`)

// isRefusedStream says whether upstream refused an HTTP/2 stream, and so has
// not begun to process the request (RFC 9113 6.8 and 8.7).
func isRefusedStream(err error) bool {
	const refused = 0x7
	var stream refusedStream
	return errors.As(err, &stream) && stream.Code == refused || cannotRetry.MatchString(err.Error())
}
