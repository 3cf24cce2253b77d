package forward

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"
)

const firstPause = 500 * time.Millisecond // before the second attempt; then doubling

// retry sends a request again when the connection failed and nobody can have
// executed it, or executing it twice does no harm.
type retry struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t *retry) RoundTrip(r *http.Request) (*http.Response, error) {
	x := exchangeOf(r.Context())
	pause, start := firstPause, time.Now()
	for attempt := 1; ; attempt++ {
		resp, err := t.next.RoundTrip(r)
		if err == nil || attempt == mostAttempts || !repeatable(r, x, err) || time.Since(start)+pause > x.proxy.maxWait {
			return resp, err
		}
		x.reason = "connection"
		if held := x.hold(r.Context(), "connection", sleep(pause)); held != nil {
			return nil, held
		}
		pause *= 2
	}
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
