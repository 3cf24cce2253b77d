package forward_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

// A client that times out and sends again must not be executed twice: what it
// sent first is not sent upstream once it has gone.
func TestAClientThatHasGoneIsNotExecutedFor(t *testing.T) {
	const post = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
	const chunked = "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
	requests := map[string]string{"GET": "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "POST": post, "chunked": chunked}
	for name, request := range requests {
		t.Run("held at a cold start, "+name, func(t *testing.T) {
			var upstream atomic.Int32
			held := make(chan struct{})
			tokens := &fakeTokens{
				live: func() (string, bool) { return "", false },
				token: func(ctx context.Context) (string, error) {
					close(held)
					gone(ctx, t)
					return "t1", nil
				},
			}
			r := newRig(t, func(http.ResponseWriter, *http.Request) { upstream.Add(1) }, tokens, forward.Options{})
			leaveWhile(t, r, request, held)
			if n := upstream.Load(); n != 0 {
				t.Errorf("%d requests went upstream, want none", n)
			}
		})
		t.Run("held after a 401, "+name, func(t *testing.T) {
			var executed atomic.Int32
			held := make(chan struct{})
			tokens := &fakeTokens{newer: func(ctx context.Context, _, _ string) (string, bool, error) {
				close(held)
				gone(ctx, t)
				return "t2", true, nil
			}}
			r := newRig(t, accepting(&executed, ok, "t2"), tokens, forward.Options{})
			leaveWhile(t, r, request, held)
			if n := executed.Load(); n != 0 {
				t.Errorf("executed %d times, want never", n)
			}
		})
	}
}

// gone waits until the proxy has noticed that the client of a request is gone.
func gone(ctx context.Context, t *testing.T) {
	t.Helper()
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Second):
		t.Error("the request's context goes on though the client has gone")
	}
}

// leaveWhile sends a request, closes the connection once it is held, and waits for
// the request's end.
func leaveWhile(t *testing.T, r *rig, request string, held <-chan struct{}) {
	t.Helper()
	conn := r.dial(t)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	<-held
	_ = conn.Close()
	r.brokenOff(t)
}

// brokenOff waits until the log says that a request was.
func (r *rig) brokenOff(t *testing.T) {
	t.Helper()
	for range 500 {
		if contains(r.log, "broken_off=true") {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
	t.Errorf("the request did not end; log:\n%s", r.log)
}

// A body that ends too soon is never a whole request upstream.
func TestAnUploadThatIsBrokenOff(t *testing.T) {
	for _, head := range []string{"Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"} {
		var whole atomic.Int32
		done := make(chan struct{})
		r := newRig(t, func(_ http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err == nil {
				whole.Add(1)
			}
			close(done)
		}, &fakeTokens{}, forward.Options{})
		conn := r.dial(t)
		fmt.Fprintf(conn, "POST /x HTTP/1.1\r\nHost: h\r\n%s", head)
		<-time.After(50 * time.Millisecond)
		_ = conn.Close()
		<-done
		if whole.Load() != 0 {
			t.Errorf("%q was taken for a whole request", head)
		}
	}
}
