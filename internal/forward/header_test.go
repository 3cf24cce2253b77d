package forward_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

// rawUpstream answers each request with the bytes of answer and hands out the
// request's head as it came over the wire.
func rawUpstream(t *testing.T, answer string) (url string, heads chan []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	heads = make(chan []string, 16)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				var head []string
				lines := bufio.NewReader(conn)
				for {
					line, err := lines.ReadString('\n')
					if err != nil {
						return
					}
					if line = strings.TrimRight(line, "\r\n"); line == "" {
						break
					}
					head = append(head, line)
				}
				heads <- head
				_, _ = io.WriteString(conn, answer)
			}()
		}
	}()
	return "http://" + l.Addr().String(), heads
}

func TestHeadersGoUpstream(t *testing.T) {
	upstream, heads := rawUpstream(t, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
	r := newRigTo(t, upstream, forward.NewTransport(10*time.Second, 10*time.Second), &fakeTokens{}, forward.Options{})
	_, _ = r.raw(t, strings.Join([]string{
		"GET /x HTTP/1.1", "Host: " + r.addr,
		"accept: application/json", "odata-version: 4.0", "ODATA-MAXVERSION: 4.0", "OData-Version: 4.01",
		"If-None-Match: null", `if-match: W/"1"`, "Prefer: odata.maxpagesize=2", "Prefer: respond-async",
		"mscrm.suppressduplicatedetection: true", "MSCRM.SolutionUniqueName: s", "mscrmcallerid: c", "CallerObjectId: o",
		"X-MS-Client-Request-Id: id1", "x-http-method: MERGE", "Cookie: a=b", "Cookie: c=d", "Consistency: Strong",
		"Accept-Encoding: br", "SOAPAction: x", "Idempotency-Key: k",
		"Authorization: Basic c2VjcmV0", "Connection: close, X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5",
		"Proxy-Authorization: Basic x", "Proxy-Connection: keep-alive", "Proxy-Foo: 1", "TE: gzip",
		"Forwarded: for=x", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: h", "X-Forwarded-Proto: p", "X-Forwarded-Other: o",
		"Upgrade: h2c", "", "",
	}, "\r\n"))
	got := (<-heads)[1:]
	want := []string{
		"Host: " + strings.TrimPrefix(upstream, "http://"),
		"Accept: application/json", "OData-Version: 4.0", "OData-Version: 4.01", "OData-MaxVersion: 4.0",
		"If-None-Match: null", `If-Match: W/"1"`, "Prefer: odata.maxpagesize=2", "Prefer: respond-async",
		"MSCRM.SuppressDuplicateDetection: true", "MSCRM.SolutionUniqueName: s", "MSCRMCallerID: c", "CallerObjectId: o",
		"x-ms-client-request-id: id1", "X-HTTP-Method: MERGE", "Cookie: a=b", "Cookie: c=d", "Consistency: Strong",
		"Accept-Encoding: gzip", "SOAPAction: x", "idempotency-key: k", "Authorization: Bearer t1",
	}
	compareHeads(t, got, want)
}

func TestHeadersComeBack(t *testing.T) {
	capture := []string{
		"Cache-Control: no-cache", "Allow: OPTIONS,GET,HEAD,POST", "Content-Type: application/json; odata.metadata=minimal", "Expires: -1",
		"Vary: Accept-Encoding", "x-ms-service-request-id: a", "x-ms-service-request-id: b", "Set-Cookie: ARRAffinity=1; path=/; secure; HttpOnly",
		"Set-Cookie: ARRAffinity=1; path=/; secure; HttpOnly", "REQ_ID: r", "CRM.ServiceId: framework", "AuthActivityId: 0b", "x-ms-dop-hint: 48",
		"x-ms-ratelimit-time-remaining-xrm-requests: 1,200.00", "OData-Version: 4.0", "X-Source: 1", "X-Source: 2", "Public: OPTIONS,GET,HEAD,POST",
		"OData-EntityId: https://contoso.crm.dynamics.com/x(1)", `ETag: W/"73921464"`, "Preference-Applied: a", "Preference-Applied: b", "mimetype: text/plain",
	}
	dropped := []string{"Strict-Transport-Security: max-age=31536000", "Keep-Alive: timeout=5", "Proxy-Authenticate: Basic", "Connection: X-Hop", "X-Hop: 1"}
	answer := "HTTP/1.1 200 OK\r\n" + strings.Join(append(capture, dropped...), "\r\n") + "\r\nContent-Length: 2\r\n\r\nok"
	upstream, heads := rawUpstream(t, answer)
	r := newRigTo(t, upstream, forward.NewTransport(10*time.Second, 10*time.Second), &fakeTokens{}, forward.Options{})
	got, _ := r.raw(t, "GET / HTTP/1.1\r\nHost: "+r.addr+"\r\nConnection: close\r\n\r\n")
	<-heads
	head, body, _ := strings.Cut(got, "\r\n\r\n")
	if body != "ok" {
		t.Errorf("body %q", body)
	}
	// No Date and no Server: upstream sent none.
	compareHeads(t, strings.Split(head, "\r\n")[1:], append(capture, "Content-Length: 2", "Connection: close"))
}

func TestNothingIsInvented(t *testing.T) {
	upstream, heads := rawUpstream(t, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")
	r := newRigTo(t, upstream, forward.NewTransport(10*time.Second, 10*time.Second), &fakeTokens{}, forward.Options{})
	got, _ := r.raw(t, "GET / HTTP/1.1\r\nHost: "+r.addr+"\r\nConnection: close\r\n\r\n")
	compareHeads(t, (<-heads)[1:], []string{"Host: " + strings.TrimPrefix(upstream, "http://"), "Authorization: Bearer t1", "Accept-Encoding: gzip"})
	head, _, _ := strings.Cut(got, "\r\n\r\n")
	compareHeads(t, strings.Split(head, "\r\n")[1:], []string{"Content-Length: 6", "Connection: close"})
}

// compareHeads compares header lines: names as they are spelt, repetition, and
// the order of values within a name.
func compareHeads(t *testing.T, got, want []string) {
	t.Helper()
	byName := func(lines []string) []string {
		lines = slices.Clone(lines)
		slices.SortStableFunc(lines, func(a, b string) int {
			return strings.Compare(strings.SplitN(a, ":", 2)[0], strings.SplitN(b, ":", 2)[0])
		})
		return lines
	}
	g, w := byName(got), byName(want)
	for _, line := range g {
		if !slices.Contains(w, line) {
			t.Errorf("there is %q", line)
		}
	}
	for _, line := range w {
		if !slices.Contains(g, line) {
			t.Errorf("there is no %q", line)
		}
	}
	if !t.Failed() && !slices.Equal(g, w) {
		t.Errorf("header %q\nwant   %q", g, w)
	}
}

func TestInformationalAnswersAndTrailers(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</x>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprint(w, "body "+r.Trailer.Get("X-In"))
		w.Header().Set("X-Sum", "42")
	}
	r := newRig(t, h, &fakeTokens{}, forward.Options{})
	request := "POST / HTTP/%s\r\nHost: " + r.addr + "\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-In\r\n\r\n3\r\nabc\r\n0\r\nX-In: in\r\n\r\n"
	got, err := r.raw(t, fmt.Sprintf(request, "1.1"))
	for _, want := range []string{"HTTP/1.1 103 Early Hints\r\n", "body in", "\r\nX-Sum: 42\r\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("answer %q (%v), want %q in it", got, err, want)
		}
	}
	got, _ = r.raw(t, "GET / HTTP/1.0\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.0 200 OK\r\n") || strings.Contains(got, "103") {
		t.Errorf("an HTTP/1.0 client is answered %q, want no 103", got)
	}
}
