package forward_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

// breaking resets the first connections that a request comes on, before or
// after answering in part.
func breaking(times int32, requests *atomic.Int32) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if requests.Add(1) <= times {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
			return
		}
		ok(w, r)
	}
}

func TestBrokenConnections(t *testing.T) {
	tests := []struct {
		method string
		breaks int32
		want   int
		sent   int32 // how often upstream got the request
	}{
		{"GET", 1, 200, 2},
		{"HEAD", 1, 200, 2},
		{"OPTIONS", 1, 200, 2},
		{"GET", 2, 200, 3},
		{"POST", 1, 502, 1},
		{"PATCH", 1, 502, 1},
		{"PUT", 1, 502, 1},
		{"DELETE", 1, 502, 1},
		{"MERGE", 1, 502, 1},
	}
	for _, tt := range tests {
		t.Run(tt.method, func(t *testing.T) {
			t.Parallel() // they wait
			var requests atomic.Int32
			r := newRig(t, breaking(tt.breaks, &requests), &fakeTokens{}, forward.Options{MaxWait: 10 * time.Second})
			var body io.Reader
			if tt.method != "GET" && tt.method != "HEAD" && tt.method != "OPTIONS" {
				body = strings.NewReader("body")
			}
			resp, answer := r.do(t, tt.method, "/x", body)
			if resp.StatusCode != tt.want || requests.Load() != tt.sent {
				t.Errorf("answered %d %s, sent %d times; want %d and %d", resp.StatusCode, answer, requests.Load(), tt.want, tt.sent)
			}
			if tt.want == 502 && !strings.Contains(answer, "may have been executed") {
				t.Errorf("the answer does not warn that it may have been executed: %s", answer)
			}
		})
	}
}

// net/http takes an idempotency key for leave to send a POST again.
func TestIdempotencyKeysChangeNothing(t *testing.T) {
	for _, key := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		var requests atomic.Int32
		r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/warm" {
				return
			}
			breaking(100, &requests)(w, r)
		}, &fakeTokens{}, forward.Options{})
		r.do(t, "GET", "/warm", nil) // so that the connection is a kept one
		if resp, _ := r.do(t, "POST", "/x", nil, key, "k"); resp.StatusCode != 502 || requests.Load() != 1 {
			t.Errorf("%s: answered %d, sent %d times; want 502 and once", key, resp.StatusCode, requests.Load())
		}
	}
}

// While nothing listens, even a POST may be tried again: no byte was sent.
func TestNoConnection(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(ok))
	defer upstream.Close()
	transport := forward.NewTransport(10*time.Second, 10*time.Second)
	dial, dials := transport.DialContext, 0
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if dials++; dials == 1 {
			addr = "127.0.0.1:1"
		}
		return dial(ctx, network, addr)
	}
	var observed observer
	r := newRigTo(t, upstream.URL, transport, &fakeTokens{}, forward.Options{MaxWait: 10 * time.Second, Observer: &observed})
	if resp, answer := r.do(t, "POST", "/x", strings.NewReader("body")); resp.StatusCode != 200 {
		t.Errorf("answered %d %s, want 200 at the second attempt", resp.StatusCode, answer)
	}
	if got := observed.all(); !slices.Equal(got, []string{"first", "connection"}) {
		t.Errorf("attempts %q", got)
	}
}

func TestGivesUpWithinMaxWait(t *testing.T) {
	var observed observer
	r := newRigTo(t, "http://127.0.0.1:1", forward.NewTransport(10*time.Second, 10*time.Second), &fakeTokens{},
		forward.Options{MaxWait: 1400 * time.Millisecond, Observer: &observed}) // the third would come after 1.5 s
	resp, answer := r.do(t, "POST", "/x", strings.NewReader("body"))
	if resp.StatusCode != 502 || !strings.Contains(answer, "nothing of the request was sent") {
		t.Errorf("answered %d %s", resp.StatusCode, answer)
	}
	if got := observed.all(); len(got) != 2 {
		t.Errorf("attempts %q, want 2 within 1.4 s", got)
	}
}

// A TLS handshake that fails has sent nothing of the request.
func TestFailedHandshake(t *testing.T) {
	upstream := httptest.NewTLSServer(http.HandlerFunc(ok)) // whose certificate nobody trusts
	defer upstream.Close()
	var observed observer
	r := newRigTo(t, upstream.URL, forward.NewTransport(10*time.Second, 10*time.Second), &fakeTokens{},
		forward.Options{MaxWait: time.Second, Observer: &observed})
	resp, answer := r.do(t, "POST", "/x", strings.NewReader("body"))
	if resp.StatusCode != 502 || !strings.Contains(answer, "nothing of the request was sent") || !strings.Contains(answer, "certificate") {
		t.Errorf("answered %d %s", resp.StatusCode, answer)
	}
}

// A transport that does not tell of its connections is never trusted to have
// sent nothing.
func TestATransportThatTellsNothing(t *testing.T) {
	var sent atomic.Int32
	transport := roundTripper(func(*http.Request) (*http.Response, error) {
		sent.Add(1)
		return nil, errors.New("broken")
	})
	r := newRigTo(t, "http://127.0.0.1:1", transport, &fakeTokens{}, forward.Options{})
	resp, _ := r.do(t, "POST", "/x", strings.NewReader("body"))
	if resp.StatusCode != 502 || sent.Load() != 1 {
		t.Errorf("answered %d, sent %d times; want 502 and once", resp.StatusCode, sent.Load())
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// An upstream that closes each connection as soon as it has answered: what was
// not executed may be sent again, what was is not.
func TestIdleConnectionsThatClose(t *testing.T) {
	var executed sync.Map
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := executed.LoadOrStore(r.Header.Get("X-Id"), new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
		ok(w, r)
	}))
	upstream.Config.IdleTimeout = time.Nanosecond
	upstream.Start()
	defer upstream.Close()
	r := newRigTo(t, upstream.URL, forward.NewTransport(10*time.Second, 10*time.Second), &fakeTokens{}, forward.Options{MaxWait: 10 * time.Second})
	for i := range 50 {
		id := strings.Repeat("x", i+1)
		resp, answer := r.do(t, "POST", "/x", strings.NewReader("body"), "X-Id", id)
		n, ran := executed.Load(id)
		switch {
		case ran && n.(*atomic.Int32).Load() != 1:
			t.Fatalf("executed %d times", n.(*atomic.Int32).Load())
		case resp.StatusCode == 502 && !strings.Contains(answer, "upstream_unreachable"), resp.StatusCode != 200 && resp.StatusCode != 502:
			t.Fatalf("answered %d %s", resp.StatusCode, answer)
		}
	}
}

type observer struct {
	mu       sync.Mutex // guards attempts
	attempts []string
}

func (o *observer) Started()                            {}
func (o *observer) Finished(string, int, time.Duration) {}
func (o *observer) Holding(string)                      {}
func (o *observer) Held(string, time.Duration)          {}
func (o *observer) Attempt(reason string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.attempts = append(o.attempts, reason)
}

func (o *observer) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.attempts)
}
