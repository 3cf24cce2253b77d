package forward_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"dvproxy/internal/forward"
)

// Trailers and 1xx answers go with a body that is changed, too.
func TestTrailersOfAMappedAnswer(t *testing.T) {
	for _, coded := range []bool{false, true} {
		r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</x>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set("Content-Type", v4)
			body := page(remote, 100<<10)
			if coded {
				w.Header().Set("Content-Encoding", "gzip")
				body = gzipped(body)
			}
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, body)
			w.Header().Set("X-Sum", "42")
		}, &fakeTokens{}, forward.Options{})
		got, _ := r.raw(t, "GET /x HTTP/1.1\r\nHost: "+r.addr+"\r\nConnection: close\r\n\r\n")
		for _, want := range []string{"HTTP/1.1 103 Early Hints\r\n", "HTTP/1.1 200 OK\r\n", r.url + "/api", "\r\n0\r\nX-Sum: 42\r\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("coded %v: there is no %q in %.600q", coded, want, got)
			}
		}
	}
}

// Over HTTP/2 upstream everything is as over HTTP/1.1: links both ways, the
// length of a request's body, and that of a short answer.
func TestLinksOverHTTP2(t *testing.T) {
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Got", fmt.Sprint(r.Proto, " ", r.ContentLength, " ", string(b)))
		w.Header().Set("Location", remote+"/x")
		w.Header().Set("Content-Type", v4)
		size, _ := strconv.Atoi(r.Header.Get("X-Size"))
		body := page(remote, size)
		w.Header().Set("Content-Encoding", "gzip")
		coded := gzipped(body)
		w.Header().Set("Content-Length", strconv.Itoa(len(coded)))
		_, _ = io.WriteString(w, coded)
	}))
	upstream.EnableHTTP2 = true
	upstream.StartTLS()
	defer upstream.Close()
	r := newRigTo(t, upstream.URL, trusting(upstream), &fakeTokens{}, forward.Options{})
	for _, size := range []int{100, 3 << 20} {
		sent := `{"a@odata.bind":"` + r.url + `/x"}`
		resp, body := r.do(t, "POST", "/x", strings.NewReader(sent), "Content-Type", "application/json", "X-Size", strconv.Itoa(size))
		arrived := strings.Replace(sent, r.url, upstream.URL, 1)
		if got, want := resp.Header.Get("X-Got"), fmt.Sprint("HTTP/2.0 ", len(arrived), " ", arrived); got != want {
			t.Errorf("upstream got %s, want %s", got, want)
		}
		want := strings.Replace(page(remote, size), remote, r.url, 1)
		if body != want || resp.Header.Get("Location") != r.url+"/x" || (resp.ContentLength == int64(len(want))) != (size == 100) {
			t.Errorf("answered %d bytes of length %d, Location %q; want %d bytes", len(body), resp.ContentLength, resp.Header.Get("Location"), len(want))
		}
	}
}

// A client that goes while a short answer is being read ends the request
// upstream, and nothing is tried again for it.
func TestAClientThatGoesDuringAShortAnswer(t *testing.T) {
	var executed atomic.Int32
	begun, ended := make(chan struct{}), make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		executed.Add(1)
		w.Header().Set("Content-Type", v4)
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "{")
		_ = http.NewResponseController(w).Flush()
		close(begun)
		<-r.Context().Done()
		close(ended)
	}, &fakeTokens{}, forward.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	request, _ := http.NewRequestWithContext(ctx, "GET", r.url+"/x", nil)
	go func() {
		<-begun
		cancel()
	}()
	if resp, err := http.DefaultClient.Do(request); err == nil {
		resp.Body.Close()
		t.Fatal("answered before the answer was whole")
	}
	<-ended
	if n := executed.Load(); n != 1 {
		t.Errorf("executed %d times", n)
	}
}

// A client that breaks off in the middle of a body with links has sent no
// request, since the length to be told upstream was never known.
func TestAMappedBodyThatIsBrokenOff(t *testing.T) {
	var executed atomic.Int32
	r := newRig(t, func(_ http.ResponseWriter, _ *http.Request) { executed.Add(1) }, &fakeTokens{}, forward.Options{})
	conn := r.dial(t)
	fmt.Fprintf(conn, "POST /x HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"half\":1}", r.addr)
	_ = conn.(*net.TCPConn).CloseWrite()
	got, _ := io.ReadAll(conn)
	if executed.Load() != 0 || (len(got) > 0 && !bytes.HasPrefix(got, []byte("HTTP/1.1 400 "))) {
		t.Errorf("executed %d times, answered %q", executed.Load(), got)
	}
}

// A body with links waits for 100 Continue like any other.
func TestExpectContinueWithLinks(t *testing.T) {
	for _, maxBody := range []int64{0, 10, -1} { // kept, and not
		r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			fmt.Fprint(w, r.ContentLength, " ", string(b))
		}, &fakeTokens{}, forward.Options{MaxBody: maxBody})
		conn := r.dial(t)
		body := `{"@odata.id":"` + r.url + `/x"}`
		fmt.Fprintf(conn, "POST /x HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", r.addr, len(body))
		buf := make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))
		if _, err := io.ReadFull(conn, buf); err != nil || !strings.HasPrefix(string(buf), "HTTP/1.1 100 ") {
			t.Fatalf("max body %d: %q, %v", maxBody, buf, err)
		}
		_, _ = io.WriteString(conn, body)
		_, got := readAnswer(t, conn, "POST")
		mapped := strings.Replace(body, r.url, r.upstream.URL, 1)
		want := fmt.Sprint(len(mapped), " ", mapped)
		if maxBody != 0 {
			want = "-1 " + mapped
		}
		if got != want {
			t.Errorf("max body %d: upstream got %q, want %q", maxBody, got, want)
		}
	}
}

// A gzip answer may be empty, and have an empty content.
func TestEmptyCodedAnswers(t *testing.T) {
	for _, body := range []string{"", gzipped("")} {
		for _, chunked := range []bool{false, true} {
			for _, version := range []string{"1.0", "1.1"} {
				r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", v4)
					w.Header().Set("Content-Encoding", "gzip")
					if !chunked {
						w.Header().Set("Content-Length", strconv.Itoa(len(body)))
					}
					w.WriteHeader(http.StatusOK)
					_ = http.NewResponseController(w).Flush()
					_, _ = io.WriteString(w, body)
				}, &fakeTokens{}, forward.Options{})
				head, got := r.answer(t, "GET /x HTTP/"+version+"\r\nHost: "+r.addr+"\r\nConnection: close\r\n\r\n")
				if got != "" || head.Get("Content-Encoding") != "" {
					t.Errorf("%d bytes, chunked %v, to HTTP/%s: %q, %v", len(body), chunked, version, got, head)
				}
			}
		}
	}
}
