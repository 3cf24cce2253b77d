package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// A reloadable is a dvproxy whose file can be changed under it.
type reloadable struct {
	*proxy
	file string
}

// serveFile serves what a file says, a race build.
func serveFile(t testing.TB, yaml string, more ...string) *reloadable {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dvproxy.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return &reloadable{proxy: start(t, "proxyrace", append([]string{"DVPROXY_LISTEN=", "DVPROXY_CONFIG=" + file}, more...), "serve"), file: file}
}

// change puts another configuration in the file's place and has it read; message
// is how that ends in the log.
func (r *reloadable) change(t testing.TB, yaml, message string) {
	t.Helper()
	next := r.file + ".next"
	if err := os.WriteFile(next, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, r.file); err != nil {
		t.Fatal(err)
	}
	r.hangUp(t, message)
}

// hangUp sends SIGHUP and waits until it has been dealt with.
func (r *reloadable) hangUp(t testing.TB, message string) {
	t.Helper()
	select {
	case <-r.reload: // of one that nobody waited for
	default:
	}
	lines := r.lines()
	if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.reload:
	case <-time.After(20 * time.Second):
		t.Fatalf("the configuration is not read again:\n%s", r.lastLogs(12))
	}
	if logs := r.lastLogs(r.lines() - lines); !strings.Contains(logs, message) {
		t.Fatalf("the log does not say %q:\n%s", message, logs)
	}
}

// How dvproxy logs that it has read the configuration again.
const (
	reloaded    = "configuration reloaded"
	notReloaded = "the configuration was not reloaded; the one before stays"
)

// yamlOf is an environment of a tenant in a file, with more settings.
func yamlOf(s *simulator.Server, name, more string) string {
	return fmt.Sprintf(`  - name: %s
    url: %s
    credential: {tenant_id: %q, client_id: %q, client_secret: %q, authority: %q}
%s`, name, s.DataverseURL, s.TenantID(), s.ClientID(), s.ClientSecret(), s.EntraURL, more)
}

// A slow body is what keeps a request in flight.
func (r *reloadable) slowPost(t testing.TB, c *http.Client, origin, environment string) (finish func() outcome) {
	t.Helper()
	body, rest := io.Pipe()
	answered := make(chan outcome, 1)
	go func() { answered <- send(t, c, "POST", origin+accounts, body) }()
	if _, err := rest.Write([]byte(`{"name":`)); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "it is in flight", func() bool {
		return strings.Contains(metrics(t, r.proxy), `dvproxy_requests_in_flight{environment="`+environment+`"} 1`)
	})
	return func() outcome {
		_, _ = rest.Write([]byte(`"slow"}`))
		rest.Close()
		return <-answered
	}
}

// A usage is what a process has of what can leak.
type usage struct{ goroutines, descriptors int }

func (p *proxy) usage(t testing.TB) (u usage) {
	t.Helper()
	for line := range strings.Lines(metrics(t, p)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch name {
		case "go_goroutines":
			u.goroutines, _ = strconv.Atoi(value)
		case "process_open_fds":
			u.descriptors, _ = strconv.Atoi(value)
		}
	}
	return u
}
