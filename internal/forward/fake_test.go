package forward_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/forward"
	"dvproxy/internal/odata"
)

// fakeTokens issues t1, t2, ... and always has a live one, unless a func says
// otherwise.
type fakeTokens struct {
	live  func() (string, bool)
	token func(context.Context) (string, error)
	newer func(ctx context.Context, token, claims string) (string, bool, error)
	last  string // there is none after this one; empty: there is always one more

	mu       sync.Mutex // guards the fields below
	n        int        // number of the current token
	rejected []string   // with the claims
	replayed []string
	paths    []string // of both
}

func (f *fakeTokens) current() string { return fmt.Sprintf("t%d", f.n+1) }

func (f *fakeTokens) Live() (string, bool) {
	if f.live != nil {
		return f.live()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.current(), true
}

func (f *fakeTokens) Token(ctx context.Context) (string, error) { return f.token(ctx) }

func (f *fakeTokens) Reject(token, claims, path string) func(context.Context) (string, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rejected, f.paths = append(f.rejected, token+claims), append(f.paths, path)
	if f.newer != nil {
		return func(ctx context.Context) (string, bool, error) { return f.newer(ctx, token, claims) }
	}
	if token == f.last {
		return func(context.Context) (string, bool, error) {
			return "", false, noToken{refused: true, after: time.Second}
		}
	}
	fresh := token == f.current()
	if fresh {
		f.n++
	}
	current := f.current()
	return func(context.Context) (string, bool, error) { return current, fresh, nil }
}

func (f *fakeTokens) Replayed(token, path string, accepted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replayed, f.paths = append(f.replayed, fmt.Sprint(token, " ", accepted)), append(f.paths, path)
}

// noToken is an error of a token cache.
type noToken struct {
	permanent, refused bool
	after              time.Duration
}

func (noToken) Error() string               { return "no token" }
func (e noToken) Permanent() bool           { return e.permanent }
func (e noToken) Refused() bool             { return e.refused }
func (e noToken) RetryAfter() time.Duration { return e.after }

// A rig is a proxy on a server like dvproxy's, in front of an upstream.
type rig struct {
	links    *odata.Mapper
	url      string
	addr     string
	handler  http.Handler
	upstream *httptest.Server
	log      *syncBuffer
}

// newRig serves h as upstream. Zero options get a MaxWait of 10 s.
func newRig(t *testing.T, h http.HandlerFunc, tokens forward.Tokens, o forward.Options) *rig {
	t.Helper()
	upstream := httptest.NewUnstartedServer(h)
	upstream.Config.DisableGeneralOptionsHandler = true
	upstream.Start()
	t.Cleanup(upstream.Close)
	r := newRigTo(t, upstream.URL, forward.NewTransport(10*time.Second, 10*time.Second), tokens, o)
	r.upstream = upstream
	return r
}

func newRigTo(t *testing.T, upstream string, transport http.RoundTripper, tokens forward.Tokens, o forward.Options) *rig {
	t.Helper()
	target, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := transport.(*http.Transport); ok {
		t.Cleanup(c.CloseIdleConnections)
	}
	r := &rig{log: &syncBuffer{}}
	if o.MaxWait == 0 {
		o.MaxWait = 10 * time.Second
	}
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Logger = slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := httptest.NewUnstartedServer(nil)
	if o.Links == nil {
		o.Links, err = odata.New(odata.Origins{
			Remote: []string{upstream, "https://contoso.api.crm.dynamics.com"},
			Local:  []string{"http://" + server.Listener.Addr().String()},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.links = o.Links
	server.Config.Handler = forward.New(target, tokens, transport, o)
	r.handler = server.Config.Handler
	server.Config.DisableGeneralOptionsHandler = true
	server.Config.ConnContext = forward.ConnContext
	server.Start()
	t.Cleanup(server.Close)
	r.url, r.addr = server.URL, server.Listener.Addr().String()
	return r
}

// do sends a request and returns the answer with its body read.
func (r *rig) do(t *testing.T, method, path string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header[headers[i]] = append(request.Header[headers[i]], headers[i+1])
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableCompression: true, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", method, path, err, r.log)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: read the answer: %v", method, path, err)
	}
	return resp, string(b)
}

// raw writes bytes as they stand and returns all that comes back until the
// connection ends, and how it ended.
func (r *rig) raw(t *testing.T, request string) (string, error) {
	t.Helper()
	conn := r.dial(t)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(conn)
	return string(b), err
}

func (r *rig) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

type syncBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// bearer is a 401 about the token, as Dataverse says it.
func bearer(w http.ResponseWriter, extra string) {
	w.Header()["WWW-Authenticate"] = []string{"Bearer " + extra + "authorization_uri=https://login.microsoftonline.com/t/oauth2/authorize, resource_id=https://contoso.crm.dynamics.com/"}
	w.WriteHeader(http.StatusUnauthorized)
}

// accepting answers 401 until a request comes with one of the tokens, and
// counts the requests that were executed.
func accepting(executed *atomic.Int32, next http.HandlerFunc, tokens ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, token := range tokens {
			if r.Header.Get("Authorization") == "Bearer "+token {
				executed.Add(1)
				next(w, r)
				return
			}
		}
		bearer(w, "error=invalid_token, error_description=Error during token validation!, ")
	}
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }
