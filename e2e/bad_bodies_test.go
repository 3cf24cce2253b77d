package e2e

import (
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestBadBodies holds that what is no JSON and no batch passes as it is, both
// ways, under whatever name.
func TestBadBodies(t *testing.T) {
	t.Parallel()
	const v2Type = "application/json;charset=utf-8"
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
	c.Timeout = 0
	before := p.forgetPeak(t)
	for _, name := range slices.Sorted(maps.Keys(bodies)) { // the peak is not to depend on the order
		body := bodies[name]
		for k, kind := range []string{v4Type, v2Type, `multipart/mixed; boundary=b`} {
			for i := range 4 {
				if len(body) >= long && i != k {
					continue // one way for each is enough
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
	const most = 16 << 20 // with what a first use takes
	if growth := p.memory(t, "VmHWM") - before; growth >= most {
		t.Errorf("the peak grew by %d KiB, want under %d", growth>>10, most>>10)
	} else {
		t.Logf("the peak grew by %d KiB", growth>>10)
	}
}

func hashOf(r io.Reader) (n int64, sum [sha256.Size]byte) {
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return n, sum
	}
	return n, [sha256.Size]byte(h.Sum(nil))
}
