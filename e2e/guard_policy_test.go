package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

const (
	callerID = "MSCRMCallerID: 11111111-1111-1111-1111-111111111111"
	mixed    = "Content-Type: multipart/mixed; boundary=b"
)

// newRestrictedBench is a bench with a guard of these settings.
func newRestrictedBench(t *testing.T, guard string) (*curlBench, *simulator.Server) {
	t.Helper()
	t.Parallel()
	s := tenant(t, simulator.Options{})
	b := &curlBench{T: t, curl: needTool(t, "curl")}
	b.proxy = serve(t, s, "DVPROXY_CONFIG="+configFile(t, "environments:\n  - guard: {"+guard+"}\n"))
	b.proxy.ready(t)
	return b, s
}

// batchFile is a file with a batch of some size, whose last request's header
// has this line.
func batchFile(t *testing.T, size int, header string) string {
	t.Helper()
	part := "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nPOST " + accounts + " HTTP/1.1\r\nContent-Type: application/json\r\n"
	full := part + "\r\n{\"name\":\"" + strings.Repeat("x", 1000) + "\"}\r\n"
	body := strings.Repeat(full, size/len(full)) + part + header + "\r\n\r\n{\"name\":\"last\"}\r\n--b--\r\n"
	name := filepath.Join(t.TempDir(), "batch")
	if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// refused stops the test unless the answer is the guard's with this code.
func (c curled) refused(t *testing.T, in any, code string) {
	t.Helper()
	var body struct {
		Error struct{ Code, Message string }
	}
	if err := json.Unmarshal([]byte(c.body), &body); err != nil || c.status != "403" || body.Error.Code != code || body.Error.Message == "" {
		t.Errorf("%q: exit %d, status %s, body %q, %s; want 403 with code %s", in, c.exit, c.status, c.body, c.stderr, code)
	}
}

func TestReadOnlyGuard(t *testing.T) {
	b, s := newRestrictedBench(t, "read_only: true")
	b.do(api+"WhoAmI").want(t, "200")
	b.do("-I", accounts).want(t, "200")
	b.do("-X", "OPTIONS", accounts).want(t, "200")
	for _, in := range [][]string{
		{"-d", `{"name":"x"}`, "-H", "Content-Type: application/json", accounts},
		{"-X", "DELETE", accounts + "(11111111-1111-1111-1111-111111111111)"},
		{"-X", "MERGE", accounts},
		{"--data-binary", "@" + batchFile(t, 0, "A: b"), "-H", mixed, api + "$batch"},
		{api + "%24BATCH"},
		{"-H", "x-http-method-override: DELETE", accounts},
	} {
		b.do(in...).refused(t, in, "dvproxy.read_only")
	}
	if got := s.Stats(); got.Requests != 3 || got.Executed != 0 {
		t.Errorf("Dataverse saw %d requests and executed %d, want 3 and 0", got.Requests, got.Executed)
	}
}

// TestImpersonationGuard holds that a caller's id gets nowhere, be it found
// before anything is sent or in the middle of an upload.
func TestImpersonationGuard(t *testing.T) {
	b, s := newRestrictedBench(t, "impersonation: deny")
	b.do("-H", "Content-Type: application/json", "-d", `{"name":"MSCRMCallerID"}`, accounts).want(t, "204")
	envelope := `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><CallerId xmlns="http://schemas.microsoft.com/xrm/2011/Contracts">1</CallerId></s:Header></s:Envelope>`
	small, large := batchFile(t, 10<<10, callerID), batchFile(t, 4<<20, callerID)
	for _, in := range [][]string{
		{"-H", callerID, api + "WhoAmI"},
		{"-H", "callerobjectid: 1", "-d", "{}", "-H", "Content-Type: application/json", accounts},
		{"-H", "Content-Type: text/xml; charset=utf-8", "-H", "SOAPAction: x", "-d", envelope, "/XRMServices/2011/Organization.svc/web"},
		{"-H", mixed, "-H", "Expect:", "--data-binary", "@" + small, api + "$batch"},
		{"-H", mixed, "-H", "Transfer-Encoding: chunked", "--data-binary", "@" + small, api + "$batch"},
		{"-H", mixed, "-H", "Expect:", "--data-binary", "@" + large, api + "$batch"},
		{"-H", mixed, "-H", "Expect: 100-continue", "--data-binary", "@" + large, api + "$batch"},
		{"-H", mixed, "-H", "Transfer-Encoding: chunked", "--data-binary", "@" + large, api + "$batch"},
		{"-H", mixed, "--http1.0", "--data-binary", "@" + large, api + "$batch"},
		{"-H", mixed, "-H", "Content-Encoding: gzip", "--data-binary", "@" + small, api + "$batch"},
	} {
		b.do(in...).refused(t, in, "dvproxy.impersonation_refused")
	}
	eventually(t, 10*time.Second, "Dataverse has seen uploads that broke off", func() bool {
		brokenOff := 0
		for _, seen := range s.Recent() {
			if strings.Contains(seen.RequestURI, "$batch") && seen.BodyComplete {
				t.Errorf("Dataverse has got a whole batch of %d bytes, sent with %v", seen.BodyLength, seen.Header)
			}
			if strings.Contains(seen.RequestURI, "$batch") {
				brokenOff++
			}
		}
		return brokenOff > 0
	})
	if metrics := b.do(b.proxy.admin + "/metrics").body; !strings.Contains(metrics, `,reason="impersonation_refused"} 10`) {
		t.Errorf("not counted as 10 refusals:\n%s", linesWith(metrics, "refused"))
	}

	// What names nobody arrives whole, at any size.
	for _, size := range []int{0, 4 << 20} {
		name := batchFile(t, size, "Prefer: return=minimal")
		want, _ := os.Stat(name)
		for _, how := range []string{"Expect:", "Transfer-Encoding: chunked"} {
			id, args := b.tagged("-H", mixed, "-H", how, "--data-binary", "@"+name, api+"$batch")
			b.do(args...)
			eventually(t, 10*time.Second, fmt.Sprintf("a batch of %d bytes arrives, sent with %q", want.Size(), how), func() bool {
				for _, seen := range s.Recent() {
					if seen.Header.Get("x-ms-client-request-id") == id {
						return seen.BodyComplete && seen.BodyLength == want.Size()
					}
				}
				return false
			})
		}
	}
}

func linesWith(text, word string) string {
	var found []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "\n")
}
