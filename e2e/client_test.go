package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// TestDynamicsWebAPI lets a real client library, which is given no token and
// no way to get one, work through many lifetimes of its environment's tokens.
func TestDynamicsWebAPI(t *testing.T) {
	t.Parallel()
	node := needTool(t, "node")
	installClient(t)
	const lifetime, lifetimes = 3 * time.Second, 5.5
	run := time.Duration(lifetimes * float64(lifetime))

	tenant := startTenant(t, "--token-lifetime", lifetime.String())
	begin := time.Now()
	p := tenant.serve(t)
	p.ready(t)
	report := drive(t, node, p.origin, run)
	stats := tenant.stats(t)
	lived := time.Since(begin).Seconds() / lifetime.Seconds() // in lifetimes

	if report.Failed != 0 {
		t.Errorf("%d operations failed, by status %v; the first: %s", report.Failed, report.Statuses, report.Failures)
	}
	if report.Seconds < run.Seconds() || report.Total < 500 || time.Duration(report.LongestGapMs)*time.Millisecond > lifetime {
		t.Errorf("%d operations in %.1f s, the longest gap %d ms; want 500 in %v, no gap over %v",
			report.Total, report.Seconds, report.LongestGapMs, run, lifetime)
	}
	for _, kind := range []string{"callFunction", "create", "retrieve", "update", "upsert", "retrieveMultiple", "deleteRecord", "missing", "conflict"} {
		if report.Operations[kind] < 20 {
			t.Errorf("%s: %d times, want 20", kind, report.Operations[kind])
		}
	}
	if stats.DeadTokens != 0 || stats.Repeated != 0 || len(stats.Refused) != 0 || stats.Statuses["401"] != 0 {
		t.Errorf("Dataverse saw %d dead tokens, %d rows written twice, refused %v, answered %v",
			stats.DeadTokens, stats.Repeated, stats.Refused, stats.Statuses)
	}
	if stats.Requests != report.Total || stats.Executed != report.Writes {
		t.Errorf("Dataverse saw %d requests and executed %d writes; the client made %d and %d",
			stats.Requests, stats.Executed, report.Total, report.Writes)
	}
	issued := stats.TokenCalls["issued"]
	if float64(issued) < lifetimes || float64(issued) > 4*lived+1 || len(stats.TokenCalls) != 1 {
		t.Errorf("token calls %v in %.1f lifetimes; want issued alone, between %.1f and %.1f", stats.TokenCalls, lived, lifetimes, 4*lived+1)
	}
	t.Logf("%d operations, %d writes, %d token calls in %.1f lifetimes; longest gap %d ms",
		report.Total, report.Writes, issued, lived, report.LongestGapMs)
}

// clientReport is what client/drive.mjs prints.
type clientReport struct {
	Operations   map[string]int  `json:"operations"`
	Total        int             `json:"total"`
	Writes       int             `json:"writes"`
	Failed       int             `json:"failed"`
	Statuses     map[string]int  `json:"statuses"`
	Failures     json.RawMessage `json:"failures"`
	LongestGapMs int             `json:"longest_gap_ms"`
	Seconds      float64         `json:"seconds"`
}

func drive(t *testing.T, node, origin string, d time.Duration) clientReport {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), node, "drive.mjs", "--origin", origin, "--seconds", strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
	cmd.Dir = "client"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // no http_proxy: the library would heed it
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output() // its exit code is in the report too
	var report clientReport
	if bad := json.Unmarshal(out, &report); bad != nil || report.Total == 0 && report.Failed == 0 {
		t.Fatalf("drive.mjs: %v\n%s%s", err, out, stderr.String())
	}
	return report
}

// needTool is where a program is. Where it is missing the test fails in CI,
// and elsewhere is skipped and says so.
func needTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%v; install it, this test must not be left out in CI", err)
	default:
		t.Skipf("%v; install it to run this test", err)
	}
	return path
}

// installClient fetches the packages that package-lock.json names, unless they
// are there.
func installClient(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("client/node_modules/dynamics-web-api/package.json"); err == nil {
		return
	}
	cmd := exec.CommandContext(t.Context(), needTool(t, "npm"), "ci")
	cmd.Dir = "client"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s\nThe client's packages are not there. On a machine that reaches an npm registry, run:\n\n    cd e2e/client && npm ci", err, out)
	}
}

// A tenantProcess is a running simulator, the built one.
type tenantProcess struct {
	EntraURL     string `json:"entra_url"`
	DataverseURL string `json:"dataverse_url"`
	ControlURL   string `json:"control_url"`
	TenantID     string `json:"tenant_id"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

// startTenant starts a simulator on free ports. When the test ends it is told
// to stop, and must exit with 0.
func startTenant(t *testing.T, args ...string) *tenantProcess {
	t.Helper()
	args = append([]string{"--json", "--entra-listen", "127.0.0.1:0", "--dataverse-listen", "127.0.0.1:0", "--control-listen", "127.0.0.1:0", "--graph-listen", "127.0.0.1:0"}, args...)
	cmd := exec.Command(filepath.Join(binaries, "simulator"), args...)
	var stderr bytes.Buffer // read after Wait
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		defer late.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("simulator: %v\n%s", err, stderr.String())
		}
	})
	tenant := &tenantProcess{}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, tenant)
	}
	if err != nil {
		t.Fatalf("the simulator says %q: %v", line, err)
	}
	return tenant
}

// serve starts dvproxy in front of the tenant. More, in the form NAME=value, is
// added to its environment.
func (tp *tenantProcess) serve(t *testing.T, more ...string) *proxy {
	t.Helper()
	return start(t, "proxy", append([]string{
		"DATAVERSE_URL=" + tp.DataverseURL,
		"AZURE_AUTHORITY_HOST=" + tp.EntraURL,
		"AZURE_TENANT_ID=" + tp.TenantID,
		"AZURE_CLIENT_ID=" + tp.ClientID,
		"AZURE_CLIENT_SECRET=" + tp.ClientSecret,
	}, more...), "serve")
}

// control makes a call ("POST /tokens/revoke", and a body if need be) of the
// control endpoint and decodes the answer into into, if that is not nil.
func (tp *tenantProcess) control(t *testing.T, call string, into any) {
	t.Helper()
	words := append(strings.SplitN(call, " ", 3), "")
	r, err := http.NewRequestWithContext(t.Context(), words[0], tp.ControlURL+words[1], strings.NewReader(words[2]))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s: %d %s, %v", call, resp.StatusCode, body, err)
	}
	if into != nil {
		if err := json.Unmarshal(body, into); err != nil {
			t.Fatalf("%s: %v in %s", call, err, body)
		}
	}
}

func (tp *tenantProcess) stats(t *testing.T) (s simulator.Stats) {
	t.Helper()
	tp.control(t, "GET /stats", &s)
	return s
}

// arrived is the request with this x-ms-client-request-id as Dataverse got it.
// It is recorded when its answer ends, a moment after the client has that.
func (tp *tenantProcess) arrived(t *testing.T, id string) (found simulator.Request) {
	t.Helper()
	eventually(t, 20*time.Second, "Dataverse has answered request "+id, func() bool {
		var recent []simulator.Request
		tp.control(t, "GET /requests", &recent)
		i := slices.IndexFunc(recent, func(r simulator.Request) bool { return r.Header.Get("X-Ms-Client-Request-Id") == id })
		if i >= 0 {
			found = recent[i]
		}
		return i >= 0
	})
	return found
}
