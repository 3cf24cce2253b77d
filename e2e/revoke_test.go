package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"dvproxy/internal/simulator"
)

func readAll(resp *http.Response) string {
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return string(b)
}

// newRow creates an account and returns its id.
func newRow(t testing.TB, c *http.Client, origin, name string) string {
	t.Helper()
	request, _ := http.NewRequestWithContext(t.Context(), "POST", origin+accounts, strings.NewReader(fmt.Sprintf(`{"name":%q}`, name)))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Prefer", "return=representation")
	resp, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	var row struct {
		ID string `json:"accountid"`
	}
	if body := readAll(resp); json.Unmarshal([]byte(body), &row) != nil || row.ID == "" {
		t.Fatalf("created: %d %s", resp.StatusCode, body)
	}
	return row.ID
}

// All tokens are revoked while 48 clients upload: one more token, every body
// executed once, and whole. With the race detector.
func TestRevocationUnderUploads(t *testing.T) {
	const clients, uploads = 48, 4
	s := tenant(t, simulator.Options{RecentRequests: 4096})
	p := start(t, "proxyrace", env(s), "serve")
	p.ready(t)
	var done atomic.Int32
	var revoke sync.Once
	var before int
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			c := newClient(t)
			random := rand.NewChaCha8([32]byte{byte(i)})
			id := newRow(t, c, p.origin, fmt.Sprintf("row-%d", i))
			for n := range uploads {
				// Of every size up to 3 MiB, small ones more often.
				body := make([]byte, 1+random.Uint64()%(3<<20>>(random.Uint64()%6)))
				_, _ = random.Read(body)
				column := fmt.Sprintf("sample_file%d", n)
				request, _ := http.NewRequestWithContext(t.Context(), "PATCH", p.origin+accounts+"("+id+")/"+column, bytes.NewReader(body))
				request.Header.Set("Content-Type", "application/octet-stream")
				request.Header["x-ms-file-name"] = []string{"f.bin"}
				resp, err := c.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				if answer := readAll(resp); resp.StatusCode != 204 {
					t.Errorf("answered %d %s", resp.StatusCode, answer)
				}
				stored, _ := s.File("accounts", id, column)
				if want := fmt.Sprintf("%x", sha256.Sum256(body)); stored.SHA256 != want {
					t.Errorf("stored %d bytes with sum %s, sent %d with %s", stored.Length, stored.SHA256, len(body), want)
				}
				if done.Add(1) == clients*uploads/3 {
					revoke.Do(func() { before = tokenCalls(s); s.RevokeTokens() })
				}
			}
		})
	}
	wg.Wait()
	stats := s.Stats()
	if got := tokenCalls(s) - before; before == 0 || got != 1 {
		t.Errorf("%d token calls after the revocation, want 1", got)
	}
	if stats.Executed != clients*(1+uploads) || stats.Refused["revoked"] == 0 {
		t.Errorf("%d executions, want %d; refused %v", stats.Executed, clients*(1+uploads), stats.Refused)
	}
	t.Logf("%d uploads, %d of them met a revoked token", done.Load(), stats.Refused["revoked"])
}
