package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"dvproxy/internal/simulator"
)

// zeros is a body of so many bytes.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

// upload sends a file of so many bytes, with its length declared or not.
func upload(t *testing.T, c *http.Client, origin, id string, size int64, known bool) int {
	t.Helper()
	request, _ := http.NewRequestWithContext(t.Context(), "PATCH", origin+accounts+"("+id+")/sample_filecolumn", &zeros{size})
	if known {
		request.ContentLength = size
	}
	request.Header.Set("Content-Type", "application/octet-stream")
	request.Header["x-ms-file-name"] = []string{"big.bin"}
	resp, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	readAll(resp)
	return resp.StatusCode
}

// forgetPeak makes VmHWM begin anew, and returns the memory in use now.
func (p *proxy) forgetPeak(t testing.TB) int64 {
	t.Helper()
	const peak = "5" // proc(5)
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte(peak), 0o600); err != nil {
		t.Fatal(err)
	}
	return p.memory(t, "VmRSS")
}

func TestMemory(t *testing.T) {
	s := tenant(t, simulator.Options{})
	p := serve(t, s)
	p.ready(t)
	c := newClient(t)
	c.Timeout = 0
	id := newRow(t, c, p.origin, "big")
	if idle := p.memory(t, "VmRSS"); idle >= 20<<20 {
		t.Errorf("%d KiB when idle, want under 20 MiB", idle>>10)
	} else {
		t.Logf("idle: %d KiB", idle>>10)
	}
	for range 20 { // warm up
		if status := upload(t, c, p.origin, id, 1<<20, true); status != 204 {
			t.Fatalf("answered %d", status)
		}
	}
	tests := []struct {
		name   string
		size   int64
		known  bool
		revoke bool
		most   int64 // growth of the peak
	}{
		{"1 GiB", 1 << 30, true, false, 8 << 20},
		{"256 MiB, length unknown", 256 << 20, false, false, 8 << 20},
		{"64 MiB over a 401", 64 << 20, true, true, 12 << 20},
		{"64 MiB over a 401, length unknown", 64 << 20, false, true, 12 << 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := p.forgetPeak(t)
			if tt.revoke {
				s.RevokeTokens()
			}
			if status := upload(t, c, p.origin, id, tt.size, tt.known); status != 204 {
				t.Fatalf("answered %d", status)
			}
			file, _ := s.File("accounts", id, "sample_filecolumn")
			if file.Length != tt.size {
				t.Errorf("%d bytes arrived", file.Length)
			}
			growth := p.memory(t, "VmHWM") - before
			if growth >= tt.most {
				t.Errorf("the peak grew by %d KiB, want under %d", growth>>10, tt.most>>10)
			}
			t.Logf("the peak grew by %d KiB", growth>>10)
		})
	}
}
