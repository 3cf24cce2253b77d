package forward_test

import (
	"bytes"
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

const (
	v4   = "application/json; odata.metadata=minimal; odata.streaming=true"
	text = "text/plain"
)

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

// page is a page with a link to origin, padded to about so many bytes.
func page(origin string, size int) string {
	return `{"@odata.context":"` + origin + `/api/data/v9.2/$metadata#accounts","value":["` + strings.Repeat("https://contoso.api.crm.dynamics.com/ ", size/38) + `"]}`
}

const remote = "https://contoso.api.crm.dynamics.com" // an alias of the rig's upstream

// What becomes of an answer's coding and length, for each kind of client.
func TestCodingAndLength(t *testing.T) {
	const (
		long  = 200 << 10
		mib   = 1 << 20
		whole = "length" // what the client gets: a Content-Length, or chunks, or neither
		parts = "chunked"
		till  = "until the end"
	)
	tests := []struct {
		name     string
		kind     string
		size     int
		gzip     bool   // upstream compresses
		chunked  bool   // upstream declares no length
		client   string // Accept-Encoding
		http10   bool
		encoding string // the client gets
		length   string
	}{
		{"short", v4, 100, false, false, "", false, "", whole},
		{"short, compressed", v4, 100, true, false, "", false, "", whole},
		{"short, compressed, asked for", v4, 100, true, false, "gzip, deflate", false, "", whole},
		{"short, compressed to little", v4, 900 << 10, true, false, "", false, "", whole},
		{"short, compressed to very little", v4, 3 * mib, true, false, "", false, "", parts},
		{"short, no length", v4, 100, false, true, "", false, "", parts},
		{"long", v4, long, false, false, "", false, "", parts},
		{"long, compressed, no length", v4, long, true, true, "", false, "", parts},
		{"long, compressed, asked for", v4, long, true, true, "gzip", false, "", parts},
		{"other, short", text, 100, false, false, "", false, "", whole},
		{"other, short, compressed", text, 100, true, false, "", false, "", whole},
		{"other, short, compressed, asked for", text, 100, true, false, "gzip", false, "gzip", whole},
		{"other, long", text, long, false, false, "", false, "", whole},
		{"other, long, no length", text, long, false, true, "", false, "", parts},
		{"other, long, compressed", text, long, true, true, "", false, "", parts},
		{"other, long, compressed, asked for", text, long, true, true, "br, gzip;q=0.5", false, "gzip", parts},
		{"other, long, compressed, refused", text, long, true, true, "gzip;q=0, *", false, "", parts},
		{"old client", v4, long, false, false, "", true, "", whole},
		{"old client, compressed, no length", v4, long, true, true, "", true, "", whole},
		{"old client, very long, no length", v4, 3 * mib, false, true, "", true, "", till},
		{"old client, other, no length", text, long, false, true, "", true, "", whole},
		{"old client, other, very long", text, 3 * mib, false, false, "", true, "", whole},
		{"old client, other, very long, no length", text, 3 * mib, true, true, "", true, "", till},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
				body := page(remote, tt.size)
				h := w.Header()
				if r.Header.Get("Accept-Encoding") != "gzip" {
					t.Errorf("upstream is asked for %q, want gzip alone", r.Header["Accept-Encoding"])
				}
				if tt.gzip {
					body = gzipped(body)
					h.Set("Content-Encoding", "gzip")
				}
				if !tt.chunked {
					h.Set("Content-Length", strconv.Itoa(len(body)))
				}
				h.Set("Content-Type", tt.kind)
				h.Set("Vary", "Accept-Encoding")
				h.Set("ETag", `"1"`)
				h.Set("Accept-Ranges", "bytes")
				w.WriteHeader(http.StatusOK)
				if tt.chunked {
					_ = http.NewResponseController(w).Flush()
				}
				_, _ = io.WriteString(w, body)
			}, &fakeTokens{}, forward.Options{})
			request := "GET /api/data/v9.2/accounts HTTP/1.1\r\nHost: " + r.addr + "\r\nConnection: close\r\n"
			if tt.http10 {
				request = strings.Replace(request, "1.1", "1.0", 1)
			}
			if tt.client != "" {
				request += "Accept-Encoding: " + tt.client + "\r\n"
			}
			head, body := r.answer(t, request+"\r\n")
			want := page(remote, tt.size)
			if tt.kind == v4 {
				want = strings.Replace(want, remote, r.url, 1)
			}
			got := till
			if head.Get("Content-Length") != "" {
				got = whole
			} else if head.Get("Transfer-Encoding") == "chunked" {
				got = parts
			}
			if encoding := head.Get("Content-Encoding"); encoding != tt.encoding || got != tt.length {
				t.Errorf("the client gets encoding %q, %s; want %q, %s", encoding, got, tt.encoding, tt.length)
			}
			if tt.encoding == "gzip" {
				want = gzipped(want)
			}
			if body != want {
				t.Errorf("the body has %d bytes, want %d", len(body), len(want))
			}
			if head.Get("Vary") != "Accept-Encoding" || head.Get("ETag") != `"1"` {
				t.Errorf("Vary and ETag do not stay: %v", head)
			}
			if ranges := head.Get("Accept-Ranges") != ""; ranges != (tt.kind == text && (tt.encoding == "gzip" || !tt.gzip)) {
				t.Errorf("Accept-Ranges %q", head.Get("Accept-Ranges"))
			}
		})
	}
}

// answer writes a request and reads the answer to it as it is on the wire, but
// for chunks, with a body that must be whole.
func (r *rig) answer(t *testing.T, request string) (http.Header, string) {
	t.Helper()
	conn := r.dial(t)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, conn, request)
}

// Answers without a body, and ranges, whose bytes are not ours to change.
func TestHeadAndRanges(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		status := http.StatusOK
		if s := r.Header.Get("X-Status"); s != "" {
			status, _ = strconv.Atoi(s)
		}
		h.Set("Content-Type", r.Header.Get("X-Type"))
		body := page(remote, 100)
		if r.Header.Get("Accept-Encoding") == "gzip" {
			h.Set("Content-Encoding", "gzip")
			body = gzipped(body)
		}
		h.Set("ETag", `W/"1"`)
		h.Set("Vary", "Accept-Encoding")
		h.Set("X-Asked", r.Header.Get("Accept-Encoding"))
		if status == http.StatusPartialContent {
			if r.Header.Get("X-Part") == "" {
				h.Set("Content-Range", "bytes 5-9/1000")
				body = body[5:]
			}
		}
		if status != http.StatusNoContent && status != http.StatusNotModified {
			h.Set("Content-Length", strconv.Itoa(len(body)))
		}
		w.WriteHeader(status)
		if r.Method != http.MethodHead && h.Get("Content-Length") != "" {
			_, _ = io.WriteString(w, body)
		}
	}, &fakeTokens{}, forward.Options{})
	tests := []struct {
		name    string
		method  string
		headers []string
		status  int
		asked   string
		want    string // encoding and length
		body    string
	}{
		{"HEAD of a page", "HEAD", []string{"X-Type", v4}, 200, "gzip", " ", ""},
		{"HEAD, asked for gzip", "HEAD", []string{"X-Type", v4, "Accept-Encoding", "gzip"}, 200, "gzip", " ", ""},
		{"HEAD of other", "HEAD", []string{"X-Type", text}, 200, "gzip", " ", ""},
		{"HEAD of other, asked for gzip", "HEAD", []string{"X-Type", text, "Accept-Encoding", "gzip"}, 200, "gzip", fmt.Sprint("gzip ", len(gzipped(page(remote, 100)))), ""},
		{"304", "GET", []string{"X-Type", v4, "X-Status", "304"}, 304, "gzip", " ", ""},
		{"204", "PATCH", []string{"X-Type", v4, "X-Status", "204"}, 204, "gzip", " ", ""},
		{"range", "GET", []string{"X-Type", v4, "X-Status", "206", "Range", "bytes=5-"}, 206, "", fmt.Sprint(" ", len(page(remote, 100))-5), page(remote, 100)[5:]},
		{"range of coded bytes", "GET", []string{"X-Type", v4, "X-Status", "206", "Range", "bytes=5-", "Accept-Encoding", "gzip"}, 206, "gzip", fmt.Sprint("gzip ", len(gzipped(page(remote, 100)))-5), gzipped(page(remote, 100))[5:]},
		{"part of a file, in JSON", "GET", []string{"X-Type", v4, "X-Status", "206", "X-Part", "1", "Range", "bytes=5-"}, 206, "", fmt.Sprint(" ", len(page(r.url, 100))), page(r.url, 100)},
		{"part of a file, in JSON, coded", "GET", []string{"X-Type", v4, "X-Status", "206", "X-Part", "1", "Range", "bytes=5-", "Accept-Encoding", "gzip"}, 206, "gzip", fmt.Sprint(" ", len(page(r.url, 100))), page(r.url, 100)},
		{"part of a file", "GET", []string{"X-Type", text, "X-Status", "206", "X-Part", "1", "Range", "bytes=5-"}, 206, "", fmt.Sprint(" ", len(page(remote, 100))), page(remote, 100)},
		{"parts", "GET", []string{"X-Type", "Multipart/byteranges; boundary=x", "X-Status", "206", "X-Part", "1", "Range", "bytes=5-6,8-", "Accept-Encoding", "gzip"}, 206, "gzip", fmt.Sprint("gzip ", len(gzipped(page(remote, 100)))), gzipped(page(remote, 100))},
		{"range, not heeded", "GET", []string{"X-Type", v4, "Range", "bytes=5-"}, 200, "", fmt.Sprint(" ", len(page(r.url, 100))), page(r.url, 100)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := r.do(t, tt.method, "/x", nil, tt.headers...)
			got := resp.Header.Get("Content-Encoding") + " " + resp.Header.Get("Content-Length")
			if resp.StatusCode != tt.status || got != tt.want || body != tt.body {
				t.Errorf("answered %d, %q, %q; want %d, %q, %q", resp.StatusCode, got, body, tt.status, tt.want, tt.body)
			}
			if asked := resp.Header.Get("X-Asked"); asked != tt.asked {
				t.Errorf("upstream was asked for %q, want %q", asked, tt.asked)
			}
			if resp.Header.Get("ETag") != `W/"1"` || resp.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("ETag and Vary do not stay: %v", resp.Header)
			}
		})
	}
}

func TestLinksInHeaders(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"Location", "OData-EntityId", "Content-Location", "Link"} {
			w.Header()[name] = []string{remote + "/api/data/v9.2/accounts(1)"}
		}
		w.WriteHeader(http.StatusNoContent)
	}, &fakeTokens{}, forward.Options{})
	got, _ := r.raw(t, "POST /x HTTP/1.1\r\nHost: "+r.addr+"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	for name, origin := range map[string]string{"Location": r.url, "OData-EntityId": r.url, "Content-Location": r.url, "Link": remote} {
		if want := "\r\n" + name + ": " + origin + "/api/data/v9.2/accounts(1)\r\n"; !strings.Contains(got, want) {
			t.Errorf("there is no %q in %q", want, got)
		}
	}
}

// A request's links lead to upstream, and its length is that of what is sent;
// over a 401 too, when the mapped body is sent again.
func TestLinksOfRequests(t *testing.T) {
	type received struct {
		target, body string
		length       int64
	}
	for _, chunked := range []bool{false, true} {
		for _, size := range []int{0, 300 << 10} { // more than is kept in memory
			var executed atomic.Int32
			got := make(chan received, 1)
			h := func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				got <- received{r.RequestURI, string(b), r.ContentLength}
				w.WriteHeader(http.StatusNoContent)
			}
			r := newRig(t, accepting(&executed, h, "t2"), &fakeTokens{}, forward.Options{Memory: 1 << 10})
			record := func(origin string) string {
				return `{"parent@odata.bind":"` + origin + `/api/data/v9.2/accounts(1)","text":"` + r.url + `/x` + strings.Repeat("x", size) + `"}`
			}
			var body io.Reader = strings.NewReader(record(r.url))
			if chunked {
				body = struct{ io.Reader }{body}
			}
			resp, _ := r.do(t, "POST", "/api/data/v9.2/contacts(1)/a/$ref?$id="+r.url+"/api/data/v9.2/b(1);c", body, "Content-Type", "application/json")
			if resp.StatusCode != http.StatusNoContent || executed.Load() != 1 {
				t.Fatalf("answered %d, executed %d times", resp.StatusCode, executed.Load())
			}
			upstream := r.upstream.URL
			want := received{"/api/data/v9.2/contacts(1)/a/$ref?$id=" + upstream + "/api/data/v9.2/b(1);c", record(upstream), int64(len(record(upstream)))}
			if chunked {
				want.length = -1
			}
			if g := <-got; g != want {
				t.Errorf("chunked %v: upstream got %s, %d bytes, length %d; want %s, %d, %d", chunked, g.target, len(g.body), g.length, want.target, len(want.body), want.length)
			}
		}
	}
}

// What is not JSON or a batch, or is coded, goes as it came, with its length.
func TestRequestsWithoutLinks(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Length", strconv.FormatInt(r.ContentLength, 10))
		w.Header().Set("Content-Type", text)
		_, _ = w.Write(b)
	}, &fakeTokens{}, forward.Options{})
	body := `{"@odata.id":"` + r.url + `/"}`
	for _, headers := range [][]string{{"Content-Type", text}, {}, {"Content-Type", "application/json", "Content-Encoding", "gzip"}} {
		resp, got := r.do(t, "POST", "/x", strings.NewReader(body), headers...)
		if got != body || resp.Header.Get("X-Length") != strconv.Itoa(len(body)) {
			t.Errorf("%q: upstream got %q, length %s", headers, got, resp.Header.Get("X-Length"))
		}
	}
}
