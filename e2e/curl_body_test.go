package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dvproxy/internal/simulator"
)

// TestCurlUploads sends bodies in every way that curl knows, with good tokens
// and with tokens that were revoked a moment before.
func TestCurlUploads(t *testing.T) {
	b := newCurlBench(t)
	content := make([]byte, 5<<20)
	rand.Read(content) // never fails
	sum := sha256.Sum256(content)
	want := simulator.StoredFile{Name: "a.bin", Length: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	file := filepath.Join(t.TempDir(), "a.bin")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	const patient = "15" // seconds: a 100 Continue must come sooner
	for _, tt := range []struct {
		name      string
		in        []string
		length    int64 // as declared
		continues bool
	}{
		{"with a length", []string{"-H", "Expect:", "--data-binary", "@" + file}, want.Length, false},
		{"expecting 100", []string{"-H", "Expect: 100-continue", "--expect100-timeout", patient, "--data-binary", "@" + file}, want.Length, true},
		{"in chunks", []string{"-H", "Expect:", "-H", "Transfer-Encoding: chunked", "--data-binary", "@" + file}, -1, false},
		{"from a pipe", []string{"--expect100-timeout", patient, "-T", "-"}, -1, true},
		{"HTTP 1.0", []string{"--http1.0", "--data-binary", "@" + file}, want.Length, false},
	} {
		for _, revoked := range []bool{false, true} {
			path := b.create(`{"name":"holder of a file"}`)
			b.tenant.control(t, "DELETE /requests", nil)
			if revoked {
				b.tenant.control(t, "POST /tokens/revoke", nil)
			}
			id, args := b.tagged(append(tt.in, "-X", "PATCH", "-H", "Content-Type: application/octet-stream", "-H", "x-ms-file-name: a.bin", path+"/sample_file")...)
			c := b.send(bytes.NewReader(content), args...)
			if c.exit != 0 || c.status != "204" || tt.continues != strings.HasPrefix(c.out, "HTTP/1.1 100 ") {
				t.Errorf("%s, revoked %v: curl exited with %d: %s\n%s", tt.name, revoked, c.exit, c.stderr, c.out)
				continue
			}
			var got simulator.StoredFile
			b.tenant.control(t, "GET /files?set=accounts&column=sample_file&id="+path[len(path)-37:len(path)-1], &got)
			arrived := b.tenant.arrived(t, id)
			if got != want || arrived.ContentLength != tt.length {
				t.Errorf("%s, revoked %v: stored %+v of a declared length %d, want %+v and %d", tt.name, revoked, got, arrived.ContentLength, want, tt.length)
			}
		}
	}
	if s := b.tenant.stats(t); s.DeadTokens != 5 || s.TokenCalls["issued"] != 6 || s.Executed != 20 {
		t.Errorf("Dataverse saw %d dead tokens, issued %d, executed %d writes; want 5, 6, 20", s.DeadTokens, s.TokenCalls["issued"], s.Executed)
	}
}

// TestCurlConnections holds that one connection carries many requests, whatever
// becomes of them.
func TestCurlConnections(t *testing.T) {
	b := newCurlBench(t)
	each := []string{"-sS", "-o", os.DevNull, "--max-time", "20", "-w", "%{http_code} %{num_connects}\n"}
	args := slices.Concat(each, []string{b.proxy.origin + api + "WhoAmI"})
	for _, more := range [][]string{
		{"-d", `{"name":"kept"}`, b.proxy.origin + accounts},
		{b.proxy.origin + accounts + "(name='none')"},
		{"-I", b.proxy.origin + api + "WhoAmI"},
		{"-H", "Origin: https://evil.com", b.proxy.origin + api},
		{"-X", "DELETE", b.proxy.origin + accounts + "(name='kept')"},
	} {
		args = slices.Concat(args, []string{"--next"}, each, more)
	}
	if got, want := b.do(args...).out, "200 1\n204 0\n404 0\n200 0\n403 0\n204 0\n"; got != want {
		t.Errorf("statuses and new connections\n%s, want\n%s", got, want)
	}
}

// TestCurlGone holds that dvproxy notices a client which goes, and what its
// request was worth.
func TestCurlGone(t *testing.T) {
	b := newCurlBench(t)

	// One that waits no longer ends its request upstream, well before the
	// answer would have come.
	b.tenant.control(t, `POST /faults/dataverse {"kind":"delay","delay":"60s","method":"GET","count":1}`, nil)
	if c := b.do("--max-time", "0.3", api+"WhoAmI"); c.exit != 28 {
		t.Errorf("curl exited with %d, want 28 for a timeout:\n%s", c.exit, c.out)
	}
	b.inFlight("0")

	// One that dies in the middle of its body has sent no request, though what
	// it did send looks whole. (At a timeout curl would end the body properly.)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer write.Close()
	if _, err := write.WriteString(`{"name":"half"}`); err != nil {
		t.Fatal(err)
	}
	id, args := b.tagged("-H", "Expect:", "-X", "POST", "-T", ".", accounts)
	cmd := b.command(args...)
	cmd.Stdin = read
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.inFlight("1")
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	b.inFlight("0")
	if arrived := b.tenant.arrived(t, id); arrived.BodyComplete {
		t.Errorf("Dataverse took %d bytes for a whole body", arrived.BodyLength)
	}

	b.do("-d", `{"name":"whole"}`, accounts).want(t, "204")
	var executions simulator.Executions
	b.tenant.control(t, "GET /executions", &executions)
	if want := map[string]int{"accounts/whole": 1}; !maps.Equal(executions.ByName, want) {
		t.Errorf("executed %v, want %v", executions.ByName, want)
	}
}
