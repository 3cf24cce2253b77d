package forward_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/forward"
	"dvproxy/internal/odata"
)

// A secureRig is a proxy to which clients speak TLS, with HTTP/2 if they like.
type secureRig struct {
	*httptest.Server
	conns atomic.Int32 // that clients have opened
}

func newSecureRig(t *testing.T, h http.HandlerFunc) *secureRig {
	t.Helper()
	r := &secureRig{Server: httptest.NewUnstartedServer(nil)}
	inner := newRig(t, h, &fakeTokens{}, forward.Options{Links: linksFor(t, r.Listener.Addr().String())})
	r.Config.Handler = inner.handler
	r.Config.DisableGeneralOptionsHandler = true
	r.Config.ConnContext = forward.ConnContext
	r.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			r.conns.Add(1)
		}
	}
	r.EnableHTTP2 = true
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

func linksFor(t *testing.T, addr string) *odata.Mapper {
	t.Helper()
	links, err := odata.New(odata.Origins{Remote: []string{"https://contoso.crm.dynamics.com"}, Local: []string{"https://" + addr}})
	if err != nil {
		t.Fatal(err)
	}
	return links
}

// do sends a request and returns the answer with its body read.
func (r *secureRig) do(ctx context.Context, t *testing.T, method, path string, body io.Reader) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, method, r.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := r.Client().Do(request)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return nil, ""
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%s %s: read the answer: %v", method, path, err)
	}
	return resp, string(b)
}

func TestClientOverHTTP2(t *testing.T) {
	r := newSecureRig(t, func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		w.Header().Set("Location", "https://contoso.crm.dynamics.com/api/1")
		w.Header().Set("Trailer", "X-Late")
		w.Header().Set("Content-Type", "application/json; odata.metadata=minimal")
		fmt.Fprintf(w, `{"@odata.nextLink":"https://contoso.crm.dynamics.com/api/2","value":"%s %d %s"}`, req.Method, len(body), req.Header.Get("Authorization"))
		w.Header().Set("X-Late", "late")
	})
	for _, tt := range []struct {
		method string
		body   string
	}{{"GET", ""}, {"POST", "hello"}, {"PATCH", strings.Repeat("x", 2<<20)}, {"OPTIONS", ""}} {
		var body io.Reader
		if tt.body != "" {
			body = strings.NewReader(tt.body)
		}
		resp, got := r.do(t.Context(), t, tt.method, "/api", body)
		if resp == nil {
			continue
		}
		want := fmt.Sprintf(`{"@odata.nextLink":"%s/api/2","value":"%s %d Bearer t1"}`, r.URL, tt.method, len(tt.body))
		if resp.ProtoMajor != 2 || got != want {
			t.Errorf("%s: %s %s, want %s", tt.method, resp.Proto, got, want)
		}
		if location := resp.Header.Get("Location"); location != r.URL+"/api/1" {
			t.Errorf("%s: Location %s", tt.method, location)
		}
		for _, name := range []string{"Connection", "Strict-Transport-Security"} {
			if value, ok := resp.Header[name]; ok {
				t.Errorf("%s: %s: %q", tt.method, name, value)
			}
		}
		if resp.Trailer.Get("X-Late") != "late" {
			t.Errorf("%s: trailer %q", tt.method, resp.Trailer)
		}
	}
	if n := r.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// An answer that comes before the end of an upload ends that stream alone. Over
// HTTP/1.1 it ends the connection, and over HTTP/2 others share that.
func TestEarlyAnswerOverHTTP2(t *testing.T) {
	release := make(chan struct{})
	r := newSecureRig(t, func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/slow" {
			<-release
			fmt.Fprint(w, "slow")
			return
		}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	})
	r.do(t.Context(), t, "GET", "/first", nil) // so that there is a connection to share
	var others sync.WaitGroup
	others.Go(func() {
		if _, got := r.do(t.Context(), t, "GET", "/slow", nil); got != "slow" {
			t.Errorf("the stream beside: %q", got)
		}
	})
	ended := make(chan error, 1)
	body, writer := io.Pipe()
	go func() {
		chunk := bytes.Repeat([]byte("x"), 64<<10)
		for {
			if _, err := writer.Write(chunk); err != nil {
				ended <- err
				return
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-t.Context().Done():
			}
		}
	}()
	resp, _ := r.do(t.Context(), t, "POST", "/upload", body)
	if resp != nil && resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d, want 413", resp.StatusCode)
	}
	select {
	case <-ended: // the client was told to stop
	case <-time.After(20 * time.Second):
		t.Error("the client goes on sending")
	}
	<-time.After(2500 * time.Millisecond) // after which an HTTP/1.1 connection would have been cut
	if _, got := r.do(t.Context(), t, "GET", "/next", nil); got != "" {
		t.Errorf("the next request: %q", got)
	}
	close(release)
	others.Wait()
	if n := r.conns.Load(); n != 1 {
		t.Errorf("%d connections, want 1: the early answer ended it", n)
	}
}

// A client that resets its stream has gone: upstream is let go too.
func TestClientResetsItsStream(t *testing.T) {
	there, left := make(chan struct{}), make(chan struct{})
	r := newSecureRig(t, func(_ http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body)
		close(there)
		<-req.Context().Done()
		close(left)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { <-there; cancel() }()
	request, err := http.NewRequestWithContext(ctx, "POST", r.URL, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := r.Client().Do(request); err == nil {
		resp.Body.Close()
		t.Fatal("there is an answer")
	}
	select {
	case <-left:
	case <-time.After(20 * time.Second):
		t.Error("upstream still works for a client that has gone")
	}
}

// A truncated answer is one to every client: over HTTP/2 the stream is reset,
// and to one of HTTP/1.0 the connection does not end in good order, TLS or not.
func TestTruncatedAnswerOverTLS(t *testing.T) {
	part := strings.Repeat("x", 2<<20) // streams: too long to be read whole
	r := newSecureRig(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, part)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	resp, err := r.Client().Get(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err == nil || resp.ProtoMajor != 2 {
		t.Errorf("%s: the answer ends well", resp.Proto)
	}
	resp.Body.Close()

	for range 5 {
		conn, err := tls.Dial("tcp", r.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", r.Listener.Addr())
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if err == nil {
			t.Error("HTTP/1.0: the answer ends well")
		}
		_ = conn.Close()
	}
}
