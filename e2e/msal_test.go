package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// TestMSAL lets a program that knows only how to ask Microsoft's library for a
// token work through several lifetimes of the environment's tokens. Its own
// comes from dvproxy, once.
func TestMSAL(t *testing.T) {
	t.Parallel()
	node := needTool(t, "node")
	installMSAL(t)
	const lifetime, run = 2 * time.Second, 9 * time.Second
	s := tenant(t, simulator.Options{TokenLifetime: lifetime, RecentRequests: 4096})
	dir := newFolder(t)
	secret := "a-secret-of-the-client-alone"
	p := serve(t, s, "DVPROXY_CONFIG="+configFile(t, `state_dir: `+filepath.Join(string(dir), "state")+`
environments:
  - tls: {self_signed: true}
    clients: [{id: nightly-import, secret_file: `+dir.write(t, "client", []byte(secret))+`}]
`))
	p.ready(t)
	authority := logged(t, p, "clients have to trust the local CA", "file")

	cmd := exec.CommandContext(t.Context(), node, "push.mjs", "--origin", p.origin, "--tenant", s.TenantID(),
		"--client", "nightly-import", "--seconds", strconv.FormatFloat(run.Seconds(), 'f', -1, 64))
	cmd.Dir = "msal"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_EXTRA_CA_CERTS=" + authority, "CLIENT_SECRET=" + secret}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var report struct {
		Requests  int
		Statuses  map[string]int
		Error     string
		Tokens    int
		FromCache int `json:"from_cache"`
		Lifetime  int
		Seconds   float64
	}
	if bad := json.Unmarshal(out, &report); bad != nil {
		t.Fatalf("push.mjs: %v\n%s%s", err, out, stderr.String())
	}
	if report.Error != "" || report.Requests < 50 || report.Statuses["204"] != report.Requests || report.Seconds < run.Seconds() {
		t.Errorf("%d requests in %.1f s, answered %v, error %q; want 50 and more, all 204", report.Requests, report.Seconds, report.Statuses, report.Error)
	}
	if month := 30 * 24 * 3600; report.Tokens != 1 || report.FromCache != report.Requests-1 || report.Lifetime < month-60 || report.Lifetime > month {
		t.Errorf("MSAL had %d tokens, %d times from its cache, the first for %d s; want one, for a month", report.Tokens, report.FromCache, report.Lifetime)
	}
	stats := s.Stats()
	if stats.Executed != report.Requests || stats.DeadTokens != 0 || len(stats.Refused) != 0 || stats.TokenCalls["issued"] < int(run/lifetime) {
		t.Errorf("Dataverse executed %d, refused %v; token calls %v", stats.Executed, stats.Refused, stats.TokenCalls)
	}
	t.Logf("%d requests in %.1f lifetimes of Entra's tokens with one token of dvproxy's", report.Requests, report.Seconds/lifetime.Seconds())
}

func installMSAL(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("msal/node_modules/@azure/msal-node/package.json"); err == nil {
		return
	}
	cmd := exec.CommandContext(t.Context(), needTool(t, "npm"), "ci")
	cmd.Dir = "msal"
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s\nMSAL is not there. On a machine that reaches an npm registry, run:\n\n    cd e2e/msal && npm ci", err, out)
	}
}
