package forward_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"dvproxy/internal/forward"
)

// readAnswer reads one answer, with a body that must be whole.
func readAnswer(t *testing.T, conn io.Reader, request string) (http.Header, string) {
	t.Helper()
	method, _, _ := strings.Cut(request, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("after %d bytes: %v", len(b), err)
	}
	if len(resp.TransferEncoding) > 0 {
		resp.Header.Set("Transfer-Encoding", resp.TransferEncoding[0])
	}
	return resp.Header, string(b)
}

// brokenAnswers are the ways in which an answer can be less than whole.
func brokenAnswers(size int) map[string]func(http.ResponseWriter) {
	body := page(remote, size)
	coded := gzipped(body)
	damaged := []byte(coded)
	damaged[len(damaged)/2] ^= 0xff
	damaged[len(damaged)-5] ^= 0xff // and the checksum, since not every bit matters
	send := func(encoding string, length int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", v4)
			if encoding != "" {
				w.Header().Set("Content-Encoding", encoding)
			}
			if length > 0 {
				w.Header().Set("Content-Length", strconv.Itoa(length))
			}
			_, _ = io.WriteString(w, body)
			if length > len(body) {
				panic(http.ErrAbortHandler)
			}
		}
	}
	return map[string]func(http.ResponseWriter){
		"cut short":                    send("", len(body), body[:len(body)/2]),
		"cut short, compressed":        send("gzip", len(coded), coded[:len(coded)/2]),
		"damaged":                      send("gzip", len(coded), string(damaged)),
		"truncated at a clean end":     send("gzip", len(coded)-20, coded[:len(coded)-20]),
		"more after the end":           send("gzip", len(coded)+4, coded+"more"),
		"said to be compressed, isn't": send("gzip", len(body), body),
	}
}

// A short answer that is broken is one that did not come: a GET is sent again,
// and anything else is a 502, since it was executed.
func TestShortBrokenAnswers(t *testing.T) {
	for name, broken := range brokenAnswers(100) {
		t.Run(name, func(t *testing.T) { isNone(t, broken) })
	}
	for name, broken := range brokenAnswers(500 << 10) { // some 2 KiB compressed
		if strings.HasPrefix(name, "cut short, ") || name == "damaged" || strings.HasSuffix(name, "end") {
			t.Run("much, "+name, func(t *testing.T) { isNone(t, broken) })
		}
	}
}

func isNone(t *testing.T, broken func(http.ResponseWriter)) {
	t.Parallel()
	var executed atomic.Int32
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		if executed.Add(1) == 1 {
			broken(w)
		}
	}, &fakeTokens{}, forward.Options{})
	if resp, _ := r.do(t, "GET", "/x", nil); resp.StatusCode != http.StatusOK || executed.Load() != 2 {
		t.Errorf("GET answered %d after %d attempts, want 200 after 2", resp.StatusCode, executed.Load())
	}
	executed.Store(0)
	resp, body := r.do(t, "POST", "/x", strings.NewReader("{}"), "Content-Type", "application/json")
	if resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, "dvproxy.upstream_unreachable") || executed.Load() != 1 {
		t.Errorf("POST answered %d %s after %d attempts, want 502 after 1", resp.StatusCode, body, executed.Load())
	}
}

// A long answer that is broken must not look like a whole one.
func TestLongBrokenAnswers(t *testing.T) {
	for name, broken := range brokenAnswers(40 << 20) { // some 100 KiB compressed
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(w http.ResponseWriter, _ *http.Request) { broken(w) }, &fakeTokens{}, forward.Options{})
			resp, err := http.Get(r.url)
			if err != nil {
				return // broken before anything was sent
			}
			defer resp.Body.Close()
			if n, err := io.Copy(io.Discard, resp.Body); err == nil {
				t.Errorf("the answer ends well after %d bytes", n)
			}
		})
	}
}

// Each part of a page reaches the client before upstream goes on.
func TestAPageTricklesThrough(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		next := make(chan struct{})
		r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", v4)
			var out io.Writer = w
			flush := func() { _ = http.NewResponseController(w).Flush() }
			if compressed {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				defer z.Close()
				out, flush = z, func() { _ = z.Flush(); _ = http.NewResponseController(w).Flush() }
			}
			flush()
			<-next
			for i := range 3 {
				fmt.Fprintf(out, `{"@odata.id":"%s/%d"},`, remote, i)
				flush()
				<-next
			}
		}, &fakeTokens{}, forward.Options{})
		resp, err := http.Get(r.url)
		if err != nil {
			t.Fatal(err)
		}
		next <- struct{}{} // which the client's having the header lets through
		for i := range 3 {
			want := fmt.Sprintf(`{"@odata.id":"%s/%d"},`, r.url, i)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
				t.Fatalf("compressed %v: part %d is %q, %v", compressed, i, got, err)
			}
			next <- struct{}{}
		}
		if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
			t.Errorf("compressed %v: then %q, %v", compressed, rest, err)
		}
		resp.Body.Close()
	}
}
