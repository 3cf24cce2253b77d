package e2e

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dvproxy/internal/simulator"
)

const (
	v4Type = "application/json; odata.metadata=minimal; odata.streaming=true"
	v2Type = "application/json;charset=utf-8"
)

// behind starts dvproxy in front of a server of the test's own, which takes
// any token.
func behind(t *testing.T, h http.Handler) *proxy {
	t.Helper()
	upstream := httptest.NewServer(h)
	t.Cleanup(upstream.Close)
	s := tenant(t, simulator.Options{Origin: upstream.URL})
	p := serve(t, s, "DATAVERSE_URL="+upstream.URL)
	p.ready(t)
	return p
}

// A page is an endless page of records, of which it gives so many bytes. Each
// MiB has a link in it, and origins in text.
type page struct {
	unit []byte // 1 MiB
	left int64
	at   int
}

func newPage(origin string, size int64) *page {
	link := `{"@odata.id":"` + origin + `/api/data/v9.2/accounts(1)","website":"` + origin + `/"},`
	record := `{"@odata.etag":"W/\"73921466\"","accountid":"0e3285ca-7169-43b1-ad3d-30bb465a872b","name":"a \"name\" of no importance"},`
	unit := link + strings.Repeat(record, (1<<20-len(link))/len(record))
	return &page{unit: []byte(unit + strings.Repeat(" ", 1<<20-len(unit))), left: size}
}

func (p *page) Read(b []byte) (int, error) {
	if p.left == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(int64(len(b)), p.left)], p.unit[p.at:])
	p.at, p.left = (p.at+n)%len(p.unit), p.left-int64(n)
	return n, nil
}

func gzipped(p []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed) // a known level
	w.Write(p)
	w.Close()
	return b.Bytes()
}

// TestStreamMemory holds that a page of 2 GiB takes no more memory than a short
// one, and comes whole.
func TestStreamMemory(t *testing.T) {
	const size, most = 2 << 30, 4 << 20
	p := behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := newPage("http://"+r.Host, size)
		h := w.Header()
		h.Set("Content-Type", v4Type)
		switch r.URL.Path {
		case "/gzip":
			h.Set("Content-Encoding", "gzip")
			member := gzipped(page.unit) // a stream of these is one of their content
			for range size / len(page.unit) {
				if _, err := w.Write(member); err != nil {
					return
				}
			}
			return
		case "/short":
			page.left = 1 << 20
		case "/bomb":
			// As much as a declared length of 64 KiB can hold.
			bomb := gzipped(make([]byte, 12<<20))
			h.Set("Content-Encoding", "gzip")
			h.Set("Content-Length", fmt.Sprint(len(bomb)))
			w.Write(bomb)
			return
		}
		io.CopyBuffer(struct{ io.Writer }{w}, page, make([]byte, 128<<10))
	}))
	c := newClient(t)
	c.Timeout = 0
	read := func(path string, http10 bool) (n int64) {
		t.Helper()
		request, _ := http.NewRequestWithContext(t.Context(), "GET", p.origin+path, nil)
		resp, err := c.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if n, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, make([]byte, 128<<10)); err != nil {
			t.Errorf("%s: broken after %d bytes: %v", path, n, err)
		}
		return n
	}
	for range 20 { // warm up
		read("/short", false)
		read("/bomb", false)
	}
	short := read("/short", false)
	for _, tt := range []struct {
		path string
		want int64
	}{
		{"/plain", size + (short-1<<20)*(size>>20)}, // links grow or shrink
		{"/gzip", size + (short-1<<20)*(size>>20)},
		{"/bomb", 12 << 20},
	} {
		t.Run(tt.path[1:], func(t *testing.T) {
			before := p.forgetPeak(t)
			if got := read(tt.path, false); got != tt.want {
				t.Errorf("the client got %d bytes, want %d", got, tt.want)
			}
			growth := p.memory(t, "VmHWM") - before
			if growth >= most {
				t.Errorf("the peak grew by %d KiB, want under %d", growth>>10, most>>10)
			}
			t.Logf("the peak grew by %d KiB", growth>>10)
		})
	}
}

// TestTrickle holds that each piece of a page reaches the client before the
// next one is written, compressed or not.
func TestTrickle(t *testing.T) {
	t.Parallel()
	pieces := []string{`{"@odata.context":"ORIGIN/api/data/v9.2/$metadata#accounts","value":[`, `{"name":"a"},`, ` `, `{"name":"b"`, `}],"@odata.nextLink":"ORIGIN/x"`, `}`}
	arrived := make(chan struct{})
	p := behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var out io.Writer = w
		flush := http.NewResponseController(w).Flush
		w.Header().Set("Content-Type", v4Type)
		if r.URL.Path == "/gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			compressor := gzip.NewWriter(w)
			defer compressor.Close()
			out = compressor
			flush = func() error {
				compressor.Flush()
				return http.NewResponseController(w).Flush()
			}
		}
		for _, piece := range pieces {
			io.WriteString(out, strings.ReplaceAll(piece, "ORIGIN", "http://"+r.Host))
			flush()
			select {
			case <-arrived:
			case <-r.Context().Done():
				return
			}
		}
	}))
	for _, path := range []string{"/plain", "/gzip"} {
		resp, err := newClient(t).Get(p.origin + path)
		if err != nil {
			t.Fatal(err)
		}
		for _, piece := range pieces {
			want := strings.ReplaceAll(piece, "ORIGIN", p.origin)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
				t.Fatalf("%s: came %q, %v; want %q", path, got, err, want)
			}
			arrived <- struct{}{}
		}
		if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
			t.Errorf("%s: %q comes after the end, %v", path, rest, err)
		}
		resp.Body.Close()
	}
}

// TestBadBodies holds that what is no JSON and no batch passes as it is, both
// ways, under whatever name.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	pad := strings.Repeat("x", 70<<10) // longer than what is read whole
	bodies := map[string]string{
		"empty":                 "",
		"unclosed":              `{"@odata.context":"` + pad,
		"closed too often":      `]]}}"}` + pad + `{{[["`,
		"half an escape":        `{"a":"\` + pad + `\u12"}`,
		"invalid UTF-8":         "{\"\xff\xfe\":\"\xc3\x28\xa0\xa1\xf0\x28\x8c\xbc\"}" + pad + "\x80",
		"NULs":                  strings.Repeat("\x00", 100<<10),
		"a lone boundary":       "--b",
		"boundaries only":       strings.Repeat("--b\r\n", 20_000) + "--b--",
		"an unending header":    "--b\r\nContent-Type: application/http\r\nX: " + strings.Repeat("y", 300<<10),
		"a boundary never seen": strings.Repeat("POST / HTTP/1.1\r\n\r\n{\"@odata.id\":\"", 5000),
		"deep":                  strings.Repeat(`{"a":[`, 50_000),
		"the beginnings":        strings.Repeat(`"@odata.id":"http://localhost`, 10_000) + `"@odata.id":"http:/`,
	}
	const long = 100 << 20 // in one value, on one line
	bodies["100 MB on one line"] = `{"@odata.id":"` + strings.Repeat("http:", long/5) + `"}`
	got := make(chan [sha256.Size]byte, 1)
	p := behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		io.Copy(sum, r.Body)
		got <- [sha256.Size]byte(sum.Sum(nil))
		h := w.Header()
		h.Set("Content-Type", r.Header.Get("Content-Type"))
		body := []byte(bodies[r.Header.Get("X-Body")])
		if r.Header.Get("X-Gzip") != "" {
			h.Set("Content-Encoding", "gzip")
			body = gzipped(body)
		}
		if r.ContentLength >= 0 {
			h.Set("Content-Length", fmt.Sprint(len(body)))
		}
		w.Write(body)
	}))
	c := newClient(t)
	for name, body := range bodies {
		for _, kind := range []string{v4Type, v2Type, `multipart/mixed; boundary=b`} {
			for i := range 4 {
				if len(body) >= long && kind == v2Type == (i%2 == 0) {
					continue // half of them are enough
				}
				declared, coded := i&1 == 0, i&2 == 0
				var sent io.Reader = strings.NewReader(body)
				if !declared {
					sent = struct{ io.Reader }{sent}
				}
				request, _ := http.NewRequestWithContext(t.Context(), "POST", p.origin+"/api/data/v9.2/$batch", sent)
				request.Header.Set("Content-Type", kind)
				request.Header.Set("X-Body", name)
				if coded {
					request.Header.Set("X-Gzip", "1")
				}
				resp, err := c.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				want := sha256.Sum256([]byte(body))
				n, sum := hashOf(resp.Body)
				resp.Body.Close()
				if arrived := <-got; arrived != want || sum != want || resp.StatusCode != 200 {
					t.Errorf("%s as %s, length declared %v, compressed %v: answered %d; arrived unchanged: %v, came back unchanged: %v (%d bytes of %d)",
						name, kind, declared, coded, resp.StatusCode, arrived == want, sum == want, n, len(body))
				}
			}
		}
	}
}

func hashOf(r io.Reader) (n int64, sum [sha256.Size]byte) {
	var h hash.Hash = sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return n, sum
	}
	return n, [sha256.Size]byte(h.Sum(nil))
}
