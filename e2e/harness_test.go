// Package e2e runs the built dvproxy as its users do, against a simulated
// tenant and with clients that nobody here wrote.
package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// binaries holds what TestMain builds.
var binaries string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "dvproxy-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	binaries = dir
	if err := dependOn("../cmd", "../internal", ".."); err != nil {
		return 0, err
	}
	for name, flags := range map[string][]string{
		"proxy":     {},
		"proxyrace": {"-race"}, // the same program, for tests about concurrency
		"simulator": {},
	} {
		args := append([]string{"build", "-o", filepath.Join(dir, name)}, flags...)
		build := exec.Command("go", append(args, "dvproxy/cmd/"+strings.TrimSuffix(name, "race"))...)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return 0, fmt.Errorf("build %s: %w", name, err)
		}
	}
	return m.Run(), nil
}

// dependOn lets go test know what the binaries are built from. It reuses the
// result of an earlier run unless a folder has changed that the test has
// opened, and knows nothing of what a test has built.
func dependOn(roots ...string) error {
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && root == ".." && path != ".." {
				return fs.SkipDir
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A proxy is a running dvproxy.
type proxy struct {
	origin string // of the first environment's listener
	admin  string
	cmd    *exec.Cmd
	exited chan struct{} // closed once the process has exited
	err    error         // how it exited; read after exited

	reload chan struct{} // has one once the configuration was read again

	mu   sync.Mutex // guards logs
	logs []string
}

// env is what dvproxy needs to know of a tenant.
func env(tenant *simulator.Server) []string {
	return []string{
		"DATAVERSE_URL=" + tenant.DataverseURL,
		"AZURE_AUTHORITY_HOST=" + tenant.EntraURL,
		"AZURE_TENANT_ID=" + tenant.TenantID(),
		"AZURE_CLIENT_ID=" + tenant.ClientID(),
		"AZURE_CLIENT_SECRET=" + tenant.ClientSecret(),
	}
}

// serve starts dvproxy on free ports in front of a tenant and waits until it
// listens. More, in the form NAME=value, is added to what is needed for that;
// a later value counts.
func serve(t testing.TB, tenant *simulator.Server, more ...string) *proxy {
	t.Helper()
	return start(t, "proxy", append(env(tenant), more...), "serve")
}

// start runs a binary of dvproxy's with nothing but env for its environment.
func start(t testing.TB, binary string, env []string, args ...string) *proxy {
	t.Helper()
	p := &proxy{cmd: exec.Command(filepath.Join(binaries, binary), args...), exited: make(chan struct{}), reload: make(chan struct{}, 1)}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "DVPROXY_LISTEN=localhost:0", "DVPROXY_ADMIN=localhost:0", "DVPROXY_LOG_FORMAT=json"}, env...)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	listening := make(chan struct{})
	go p.read(stderr, listening)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of dvproxy:\n%s", p.lastLogs(60))
		}
		if strings.Contains(p.allLogs(), "DATA RACE") {
			t.Errorf("race in dvproxy:\n%s", p.allLogs())
		}
	})
	select {
	case <-listening:
	case <-p.exited:
		t.Fatalf("dvproxy exited: %v\n%s", p.err, p.allLogs())
	case <-time.After(20 * time.Second):
		t.Fatalf("dvproxy does not listen\n%s", p.allLogs())
	}
	return p
}

// kill ends the process at once.
func (p *proxy) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// read collects the log, and finds in it where dvproxy listens.
func (p *proxy) read(stderr io.Reader, listening chan struct{}) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var line struct{ Msg, Origin string }
		_ = json.Unmarshal(lines.Bytes(), &line)
		switch {
		case line.Msg == "listening" && p.origin == "":
			p.origin = line.Origin
		case line.Msg == "admin listening" && p.admin == "":
			p.admin = line.Origin
			close(listening)
		}
		p.mu.Lock()
		p.logs = append(p.logs, lines.Text())
		p.mu.Unlock()
		if line.Msg == reloaded || line.Msg == notReloaded {
			notify(p.reload)
		}
	}
	p.err = p.cmd.Wait()
	close(p.exited)
}

// notify puts one in a channel that has room for one, unless it is there.
func notify(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (p *proxy) allLogs() string { return p.lastLogs(1 << 30) }

// lines is how many lines the log has.
func (p *proxy) lines() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.logs)
}

func (p *proxy) lastLogs(n int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.logs[max(0, len(p.logs)-n):], "\n")
}

// terminate sends SIGTERM and returns the exit code.
func (p *proxy) terminate(t testing.TB) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return p.wait(t)
}

// wait returns the exit code.
func (p *proxy) wait(t testing.TB) int {
	t.Helper()
	select {
	case <-p.exited:
	case <-time.After(40 * time.Second):
		t.Fatal("dvproxy does not exit")
	}
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// ready waits until dvproxy holds a token.
func (p *proxy) ready(t testing.TB) {
	t.Helper()
	eventually(t, 20*time.Second, "dvproxy is ready", func() bool {
		resp, err := http.Get(p.admin + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// eventually polls until a condition holds. Real processes and real time are
// at work here, so there is no event to wait for.
func eventually(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
