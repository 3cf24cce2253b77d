package forward_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

// The client leaves while a connection to upstream is being made.
func TestAClientThatLeavesDuringADial(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		var executed atomic.Int32
		upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if b, err := io.ReadAll(r.Body); err == nil && string(b) == "hello" {
				executed.Add(1)
			}
		}))
		upstream.EnableHTTP2 = http2
		upstream.StartTLS()
		defer upstream.Close()
		transport := trusting(upstream)
		dialing, left := make(chan struct{}), make(chan struct{})
		dial := transport.DialContext
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			close(dialing)
			<-left
			return dial(ctx, network, addr)
		}
		r := newRigTo(t, upstream.URL, transport, &fakeTokens{}, forward.Options{})
		conn := r.dial(t)
		fmt.Fprint(conn, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
		<-dialing
		_ = conn.Close()
		<-time.After(100 * time.Millisecond) // for the kernels to tell one another
		close(left)
		r.brokenOff(t)
		if executed.Load() != 0 {
			t.Errorf("HTTP/2 %v: executed %d times for a client that had gone\n%s", http2, executed.Load(), r.log)
		}
	}
}

// A 401 whose body never comes holds nobody up.
func TestA401ThatStalls(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer t2" {
			ok(w, r)
			return
		}
		w.Header().Set("Content-Length", "100")
		bearer(w, "")
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}, &fakeTokens{}, forward.Options{})
	if resp, body := r.do(t, "GET", "/x", nil); resp.StatusCode != 200 {
		t.Errorf("answered %d %s", resp.StatusCode, body)
	}
}

// Requests that follow one another on a connection, each refused first.
func TestPipelining(t *testing.T) {
	var requests atomic.Int32
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1)%2 == 1 {
			bearer(w, "")
			return
		}
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s", r.URL.Path, b, r.Trailer.Get("X-Sum"))
	}, &fakeTokens{}, forward.Options{})
	conn := r.dial(t)
	fmt.Fprint(conn, "POST /0 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"+
		"POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n"+
		"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n")
	answers := bufio.NewReader(conn)
	for _, want := range []string{"/0 hello ", "/1 hello 5", "/2  "} {
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 200 || string(b) != want || resp.Close {
			t.Errorf("answered %d %q, closing %v; want %q", resp.StatusCode, b, resp.Close, want)
		}
	}
}

// One 100 Continue reaches the client, however many attempts there are.
func TestOneContinue(t *testing.T) {
	for _, framing := range []string{"Content-Length: 5\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"} {
		var executed atomic.Int32
		r := newRig(t, accepting(&executed, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
		}, "t2"), &fakeTokens{}, forward.Options{})
		conn := r.dial(t)
		fmt.Fprint(conn, "POST /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-continue\r\n"+framing)
		answers := bufio.NewReader(conn)
		if line, err := answers.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 100") {
			t.Fatalf("first line %q, %v", line, err)
		}
		body := "hello"
		if strings.Contains(framing, "chunked") {
			body = "5\r\nhello\r\n0\r\n\r\n"
		}
		fmt.Fprint(conn, body)
		rest, _ := io.ReadAll(answers)
		if strings.Contains(string(rest), "100 Continue") || !strings.Contains(string(rest), "HTTP/1.1 200") || !strings.HasSuffix(string(rest), "hello") {
			if !strings.Contains(string(rest), "\r\nhello\r\n0\r\n") {
				t.Errorf("then %q, want the answer alone", rest)
			}
		}
		if executed.Load() != 1 {
			t.Errorf("executed %d times", executed.Load())
		}
	}
}

// Targets that are neither paths nor URLs are refused, not guessed at.
func TestOddTargets(t *testing.T) {
	var requests atomic.Int32
	r := newRig(t, func(http.ResponseWriter, *http.Request) { requests.Add(1) }, &fakeTokens{}, forward.Options{})
	for _, target := range []string{"http:/api/x", "mailto:x", "http:api/x?y", "*", "http://"} {
		got, _ := r.raw(t, fmt.Sprintf("DELETE %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target, r.addr))
		if !strings.HasPrefix(got, "HTTP/1.1 400") || requests.Load() != 0 {
			t.Errorf("%s is answered %.200q; %d requests went upstream", target, got, requests.Load())
		}
	}
	if !contains(r.log, "code=dvproxy.bad_request") {
		t.Errorf("the log does not tell:\n%s", r.log)
	}
}

// Dials that take their time count for max_wait.
func TestSlowDialsEndWithMaxWait(t *testing.T) {
	var observed observer
	transport := forward.NewTransport(time.Second, time.Second)
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		<-time.After(700 * time.Millisecond)
		return nil, io.ErrUnexpectedEOF
	}
	r := newRigTo(t, "http://127.0.0.1:1", transport, &fakeTokens{}, forward.Options{MaxWait: time.Second, Observer: &observed})
	if resp, _ := r.do(t, "GET", "/x", nil); resp.StatusCode != 502 || len(observed.all()) != 1 {
		t.Errorf("answered %d after %d attempts, want 502 after 1", resp.StatusCode, len(observed.all()))
	}
}
