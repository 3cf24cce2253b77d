package e2e

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

const v4Type = "application/json; odata.metadata=minimal; odata.streaming=true"

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

// A pageStream is an endless page of records, of which it gives so many bytes. Each
// MiB has a link in it, and origins in text.
type pageStream struct {
	unit []byte // 1 MiB
	left int64
	at   int
}

func newPage(origin string, size int64) *pageStream {
	link := `{"@odata.id":"` + origin + `/api/data/v9.2/accounts(1)","website":"` + origin + `/"},`
	record := `{"@odata.etag":"W/\"73921466\"","accountid":"0e3285ca-7169-43b1-ad3d-30bb465a872b","name":"a \"name\" of no importance"},`
	unit := link + strings.Repeat(record, (1<<20-len(link))/len(record))
	return &pageStream{unit: []byte(unit + strings.Repeat(" ", 1<<20-len(unit))), left: size}
}

func (p *pageStream) Read(b []byte) (int, error) {
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
	read := func(path string) (n int64) {
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
		read("/short")
		read("/bomb")
	}
	short := read("/short")
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
			if got := read(tt.path); got != tt.want {
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

// TestClientsThatLeave holds that nothing is left of clients which go while an
// answer streams, or while a short one is being read.
func TestClientsThatLeave(t *testing.T) {
	t.Parallel()
	var open atomic.Int32
	p := behind(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open.Add(1)
		defer open.Add(-1)
		h := w.Header()
		h.Set("Content-Type", v4Type)
		unit := newPage("http://"+r.Host, 1).unit
		switch r.URL.Path {
		case "/gzip":
			h.Set("Content-Encoding", "gzip")
			unit = gzipped(unit)
		case "/short":
			h.Set("Content-Length", "100")
			w.Write([]byte("{"))
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
			return
		}
		for r.Context().Err() == nil {
			w.Write(unit)
		}
	}))
	files := func() int {
		entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := files()
	c := newClient(t)
	for i := range 90 {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		request, _ := http.NewRequestWithContext(ctx, "GET", p.origin+[]string{"/plain", "/gzip", "/short"}[i%3], nil)
		if resp, err := c.Do(request); err == nil {
			io.CopyN(io.Discard, resp.Body, int64(i)<<10)
			resp.Body.Close()
		}
		cancel()
	}
	c.CloseIdleConnections()
	eventually(t, 10*time.Second, "no request is left upstream, nor a file open", func() bool {
		return open.Load() == 0 && files() <= before+1
	})
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
