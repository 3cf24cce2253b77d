package forward_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

// A bubble is a proxy for a synctest bubble: the upstream is a func, and so is
// a client.
type bubble struct {
	proxy *forward.Proxy
	start time.Time
	log   *syncBuffer

	mu     sync.Mutex // guards the fields below
	sent   []attempt
	active int
	most   int            // that were upstream at one time
	held   map[string]int // by reason, now
}

// An attempt is a request as upstream got it.
type attempt struct {
	at                time.Duration // since the bubble's start
	path, token, body string
}

// newBubble returns a proxy to upstream, which answers the nth attempt of all,
// the first being 1.
func newBubble(tokens forward.Tokens, o forward.Options, upstream func(n int, r *http.Request) *http.Response) *bubble {
	b := &bubble{start: time.Now(), log: &syncBuffer{}, held: map[string]int{}}
	transport := roundTripper(func(r *http.Request) (*http.Response, error) {
		body := ""
		if r.Body != nil {
			got, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			body = string(got)
		}
		b.mu.Lock()
		b.sent = append(b.sent, attempt{at: time.Since(b.start), path: r.URL.RequestURI(), token: r.Header.Get("Authorization"), body: body})
		n := len(b.sent)
		b.active++
		b.most = max(b.most, b.active)
		b.mu.Unlock()
		resp := upstream(n, r)
		b.mu.Lock()
		b.active--
		b.mu.Unlock()
		if resp == nil {
			return nil, io.ErrUnexpectedEOF
		}
		return resp, nil
	})
	o.Observer = b
	o.Logger = slog.New(slog.NewTextHandler(b.log, nil))
	b.proxy = forward.New(&url.URL{Scheme: "https", Host: "contoso.crm.dynamics.com"}, tokens, transport, o)
	return b
}

func (b *bubble) Started()                            {}
func (b *bubble) Finished(string, int, time.Duration) {}
func (b *bubble) Attempt(string)                      {}
func (b *bubble) Holding(reason string)               { b.hold(reason, 1) }
func (b *bubble) Held(reason string, _ time.Duration) { b.hold(reason, -1) }
func (b *bubble) hold(reason string, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held[reason] += n
}

func (b *bubble) waiting(reason string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held[reason]
}

func (b *bubble) attempts() []attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]attempt(nil), b.sent...)
}

// paths are those of all attempts, in order.
func (b *bubble) paths() (paths []string) {
	for _, a := range b.attempts() {
		paths = append(paths, a.path)
	}
	return paths
}

// An answered is what a client got, and when.
type answered struct {
	*httptest.ResponseRecorder
	at time.Duration
}

// do sends a request and waits for the answer; its Code is 0 if the client
// went before.
func (b *bubble) do(ctx context.Context, method, path, body string) (got answered) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(ctx, method, path, reader)
	r.RequestURI = path
	got.ResponseRecorder = httptest.NewRecorder()
	defer func() {
		if recover() != nil {
			got.Code = 0
		}
		got.at = time.Since(b.start)
	}()
	b.proxy.ServeHTTP(got, r)
	return got
}

// crowd sends n requests, /0 the first, and returns their answers when all are
// there.
func (b *bubble) crowd(t *testing.T, n int, method string) []answered {
	answers := make([]answered, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			body := ""
			if method == "POST" {
				body = fmt.Sprint("body ", i)
			}
			answers[i] = b.do(t.Context(), method, fmt.Sprint("/", i), body)
		})
	}
	wg.Wait()
	return answers
}

func answer(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h[headers[i]] = append(h[headers[i]], headers[i+1])
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// throttled is a 429 of service protection.
func throttled(code, message, after string) *http.Response {
	return answer(429, fmt.Sprintf(`{"error":{"code":%q,"message":%q}}`, code, message), "Content-Type", v4, "Retry-After", after)
}

const (
	requestsCode = "0x80072322"
	requestsText = "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
)
