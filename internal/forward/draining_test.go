package forward_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

// A proxy that drains lets go of what it holds, and holds nothing any longer.
func TestDrainingLetsGo(t *testing.T) {
	held := make(chan struct{}, 1)
	waiting := func(ctx context.Context) error {
		held <- struct{}{}
		<-ctx.Done()
		return noToken{after: time.Minute}
	}
	noLive := &fakeTokens{
		live:  func() (string, bool) { return "", false },
		token: func(ctx context.Context) (string, error) { return "", waiting(ctx) },
	}
	noNewer := &fakeTokens{newer: func(ctx context.Context, _, _ string) (string, bool, error) { return "", false, waiting(ctx) }}
	const nobody = "http://127.0.0.1:1"
	failing := roundTripper(func(*http.Request) (*http.Response, error) {
		held <- struct{}{} // and the next attempt is 0.5 s away
		return nil, &net.OpError{Op: "dial", Err: io.ErrUnexpectedEOF}
	})
	for name, row := range map[string]struct {
		upstream  string
		transport http.RoundTripper
		tokens    forward.Tokens
		method    string
	}{
		"for a token":      {nobody, http.DefaultTransport, noLive, http.MethodPost},
		"for a newer one":  {"", nil, noNewer, http.MethodPost},
		"for a connection": {nobody, failing, &fakeTokens{}, http.MethodGet},
	} {
		for _, before := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				var executed atomic.Int32
				draining, drain := context.WithCancel(t.Context())
				o := forward.Options{MaxWait: time.Minute, Draining: draining}
				r := rigFor(t, row.upstream, row.transport, row.tokens, &executed, o)
				if before {
					drain()
				} else {
					go func() { <-held; drain() }()
				}
				start := time.Now()
				resp, body := r.do(t, row.method, "/x", strings.NewReader("hello"))
				if resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, `"dvproxy.draining"`) || resp.Header.Get("Retry-After") != "1" {
					t.Errorf("answered %d %v %s", resp.StatusCode, resp.Header, body)
				}
				if took := time.Since(start); took > 20*time.Second || executed.Load() != 0 {
					t.Errorf("let go after %v; executed %d times", took, executed.Load())
				}
				select {
				case <-held:
				default:
				}
			})
		}
	}
}

// rigFor is a rig before an upstream that accepts no token, or none at all.
func rigFor(t *testing.T, upstream string, transport http.RoundTripper, tokens forward.Tokens, executed *atomic.Int32, o forward.Options) *rig {
	t.Helper()
	if upstream == "" {
		return newRig(t, accepting(executed, ok), tokens, o)
	}
	return newRigTo(t, upstream, transport, tokens, o)
}

// A body that is still on its way does not keep a held request.
func TestDrainingDoesNotWaitForABody(t *testing.T) {
	draining, drain := context.WithCancel(t.Context())
	r := newRig(t, ok, &fakeTokens{live: func() (string, bool) { drain(); return "", false }}, forward.Options{MaxWait: time.Minute, Draining: draining})
	conn := r.dial(t)
	if _, err := io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhello"); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 12)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 503" {
		t.Errorf("answered %q, %v", answer, err)
	}
}

// What is in flight goes on.
func TestDrainingFinishesWhatIsInFlight(t *testing.T) {
	draining, drain := context.WithCancel(t.Context())
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) { drain(); ok(w, r) }, &fakeTokens{}, forward.Options{Draining: draining})
	conn := r.dial(t)
	if _, err := io.WriteString(conn, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	// The connection ends with the answer, which says so.
	answer, err := io.ReadAll(conn)
	if text := string(answer); err != nil || !strings.HasPrefix(text, "HTTP/1.1 200") || !strings.Contains(text, "\r\nConnection: close\r\n") || !strings.HasSuffix(text, "ok") {
		t.Errorf("answered %q, %v", answer, err)
	}
}
