package forward_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

func contains(b *syncBuffer, s string) bool { return strings.Contains(b.String(), s) }

// Each answer of dvproxy's own: status, code, Proxy-Status and Retry-After.
func TestOwnAnswers(t *testing.T) {
	none := func(err error) *fakeTokens {
		return &fakeTokens{
			live:  func() (string, bool) { return "", false },
			token: func(context.Context) (string, error) { return "", err },
		}
	}
	slow := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	tests := []struct {
		name     string
		upstream http.HandlerFunc
		tokens   *fakeTokens
		want     int
		code     string
		after    string
		error    string // of Proxy-Status
	}{
		{"no token in time", ok, none(noToken{after: 1100 * time.Millisecond}), 503, "token_unavailable", "2", "destination_unavailable"},
		{"no token in time, next try now", ok, none(noToken{}), 503, "token_unavailable", "1", "destination_unavailable"},
		{"sign-in refused", ok, none(noToken{permanent: true, after: 20 * time.Second}), 502, "sign_in_refused", "20", "proxy_configuration_error"},
		{"fresh tokens refused", ok, none(noToken{refused: true, after: time.Second}), 502, "upstream_unauthorized", "1", "destination_unavailable"},
		{"too slow", slow, &fakeTokens{}, 504, "upstream_timeout", "", "http_response_timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			upstream := "http://" + serveOn(t, tt.upstream)
			r := newRigTo(t, upstream, forward.NewTransport(10*time.Second, 300*time.Millisecond), tt.tokens, forward.Options{})
			for _, method := range []string{"POST", "GET", "HEAD"} {
				resp, body := r.do(t, method, "/api/data/v9.2/accounts(1)?$filter=secret", nil)
				var odata struct {
					Error struct{ Code, Message string }
				}
				_ = json.Unmarshal([]byte(body), &odata)
				if resp.StatusCode != tt.want || (method != "HEAD" && (odata.Error.Code != "dvproxy."+tt.code || odata.Error.Message == "")) {
					t.Errorf("%s answered %d %q, want %d dvproxy.%s", method, resp.StatusCode, body, tt.want, tt.code)
				}
				if got := resp.Header.Get("Retry-After"); got != tt.after {
					t.Errorf("Retry-After %q, want %q", got, tt.after)
				}
				if got := resp.Header.Get("Proxy-Status"); got != "dvproxy; error="+tt.error {
					t.Errorf("Proxy-Status %q, want %q", got, tt.error)
				}
			}
		})
	}
}

func serveOn(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }()
	return l.Addr().String()
}

// A truncated answer must not look like a whole one, to any client.
func TestTruncatedAnswers(t *testing.T) {
	answers := map[string]string{
		"declared length": "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat("x", 2<<20),
		"chunked":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat("x", 2<<20) + "\r\n",
	}
	for name, answer := range answers {
		upstream, _ := rawUpstream(t, answer)
		r := newRigTo(t, upstream, forward.NewTransport(10*time.Second, 10*time.Second), &fakeTokens{}, forward.Options{})
		resp, err := http.Get(r.url)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s, HTTP/1.1: the answer ends with %v, want an unexpected EOF", name, err)
		}
		if _, err := r.raw(t, "GET / HTTP/1.0\r\n\r\n"); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s, HTTP/1.0: the connection ends with %v, want a reset", name, err)
		}
		if !contains(r.log, "broken_off=true") {
			t.Errorf("%s: the log does not tell:\n%s", name, r.log)
		}
	}
}

func TestAnAnswerTricklesThrough(t *testing.T) {
	next := make(chan struct{})
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "part %d;", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}, &fakeTokens{}, forward.Options{})
	resp, err := http.Get(r.url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for i := range 3 {
		want := fmt.Sprintf("part %d;", i)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
			t.Fatalf("part %d is %q, %v", i, got, err)
		}
		next <- struct{}{} // upstream goes on only after the client has this part
	}
}

// The connection of a client whose early answer left its body unread must not
// be used again: the rest of the body would be taken for a request.
func TestEarlyAnswer(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}, &fakeTokens{}, forward.Options{})
	conn := r.dial(t)
	fmt.Fprintf(conn, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 60\r\n\r\nGET /smuggled HTTP/1.1\r\n")
	b, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(b), "HTTP/1.1 413") || !strings.Contains(string(b), "Connection: close") || strings.Count(string(b), "HTTP/1.1") != 1 {
		t.Errorf("answered %q, %v; want one 413 that closes the connection", b, err)
	}
}

func TestTheLogLine(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["x-ms-service-request-id"] = []string{"svc-1", "svc-2"}
	}, &fakeTokens{}, forward.Options{})
	r.do(t, "GET", "/api/data/v9.2/accounts(name='canary1',x=f(y))/p%28canary2%29?$filter=canary3", nil,
		"X-Ms-Client-Request-Id", "cli-1", "Authorization", "Bearer canary4")
	log := r.log.String()
	for _, want := range []string{"method=GET", "path=/api/data/v9.2/accounts(...)/p(...)", "status=200", "duration=", "attempts=1", "client_request_id=cli-1", "service_request_id=svc-1"} {
		if !strings.Contains(log, want) {
			t.Errorf("log %q, want %q in it", log, want)
		}
	}
	if strings.Contains(log, "canary") || strings.Contains(log, "t1") {
		t.Errorf("log %q holds what it must not", log)
	}
}

// An answer of our own has documented names too: clients compare them as text.
func TestOwnAnswersAreSpelt(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("WWW-Authenticate", "Basic")
	forward.Problem{Status: http.StatusUnauthorized, Code: "client_unauthorized"}.Write(w, httptest.NewRequest(http.MethodGet, "/", nil))
	for _, name := range []string{"WWW-Authenticate", "OData-Version"} {
		if w.Header()[name] == nil { // as it is written
			t.Errorf("there is no %s in %v", name, w.Header())
		}
	}
}
