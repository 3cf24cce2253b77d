package e2e

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// A ran is a command of dvproxy's that has ended.
type ran struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

// invoke runs dvproxy to its end, with nothing but PATH and env for its
// environment.
func invoke(t testing.TB, env []string, args ...string) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "proxy"), args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, env...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 10 * time.Second // a process that was left behind does not hold the test
	begin := time.Now()
	err := cmd.Run()
	if cmd.ProcessState == nil || ctx.Err() != nil {
		t.Fatalf("dvproxy %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return ran{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(begin)}
}

// want is what a command should come to: its exit code, and texts on standard
// error.
func (r ran) want(t testing.TB, code int, stderr ...string) ran {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", r.code, code, r.stdout, r.stderr)
	}
	for _, text := range stderr {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("%q is not in:\n%s", text, r.stderr)
		}
	}
	return r
}

// nobodysAddress is one on which nobody listens, and nobody will until it is
// released: it is that of a connection's other end.
func nobodysAddress(t testing.TB) (address string, release func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	release = func() {
		_ = conn.(*net.TCPConn).SetLinger(0) // or the address is taken for a minute more
		_ = conn.Close()
		_ = l.Close()
	}
	t.Cleanup(release)
	return conn.LocalAddr().String(), release
}

// wait and healthcheck know the admin address alone, as in another container.
func TestWaitAndHealthcheck(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	address, _ := nobodysAddress(t)
	nobody := []string{"DVPROXY_ADMIN=" + address, "HTTP_PROXY=http://" + address}
	invoke(t, nobody, "healthcheck").want(t, 1, "no dvproxy answers at 127.0.0.1:", "refused")
	if r := invoke(t, nobody, "wait", "--max", "300ms").want(t, 1, "not within 300ms", "no dvproxy answers at"); r.took < 300*time.Millisecond {
		t.Errorf("it waited for %v", r.took)
	}

	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, s, "AZURE_CLIENT_SECRET=", "AZURE_CLIENT_SECRET_FILE="+secret)
	admin := []string{"DVPROXY_ADMIN=" + strings.TrimPrefix(p.admin, "http://")}
	eventually(t, 10*time.Second, "sign-in was refused", func() bool { return strings.Contains(p.allLogs(), "token renewal failed") })
	invoke(t, admin, "healthcheck").want(t, 1, "not ready", "AADSTS7000215")
	invoke(t, admin, "wait", "--max", "300ms").want(t, 1, "not within 300ms: not ready", "AADSTS7000215")

	waited := make(chan ran)
	go func() { waited <- invoke(t, admin, "wait", "--max", "20s") }()
	if err := os.WriteFile(secret, []byte(s.ClientSecret()), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := (<-waited).want(t, 0); r.stdout != "" || r.stderr != "" {
		t.Errorf("it said %q %q", r.stdout, r.stderr)
	}
	invoke(t, admin, "healthcheck").want(t, 0)
	if r := invoke(t, nil, "healthcheck", "--admin", "LOCALHOST:"+p.admin[strings.LastIndexByte(p.admin, ':')+1:]).want(t, 0); r.took > 20*time.Second {
		t.Errorf("it took %v", r.took)
	}

	other := []string{"DVPROXY_ADMIN=" + strings.TrimPrefix(s.DataverseURL, "http://")}
	invoke(t, other, "healthcheck").want(t, 1, "not dvproxy's admin listener")
	for _, wrong := range []string{"off", "localhost:0", "x"} {
		for _, command := range []string{"wait", "healthcheck", "quit"} {
			invoke(t, nil, command, "--admin", wrong).want(t, 2, "admin")
		}
	}
}

func TestQuit(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	forbidding := serve(t, s)
	invoke(t, []string{"DVPROXY_ADMIN=" + strings.TrimPrefix(forbidding.admin, "http://")}, "quit").want(t, 1, "403", "admin.quit: true")
	nobody, _ := nobodysAddress(t)
	invoke(t, []string{"DVPROXY_ADMIN=" + nobody}, "quit").want(t, 1, "no dvproxy answers")
	if o := send(t, newClient(t), "GET", forbidding.admin+"/livez", nil); o.status != 200 {
		t.Errorf("after a quit that is not allowed: %v", o)
	}

	p := start(t, "proxyrace", append(env(s), "DVPROXY_ADMIN_QUIT=true"), "serve")
	p.ready(t)
	for _, row := range []struct {
		method, header, value string
		want                  int
	}{
		{"GET", "", "", 405},
		{"POST", "Origin", "https://attacker.example", 403},
		{"POST", "Sec-Fetch-Site", "cross-site", 403},
		{"POST", "Host", "attacker.example", 421},
	} {
		request, _ := http.NewRequestWithContext(t.Context(), row.method, p.admin+"/quitquitquit", nil)
		if row.header == "Host" {
			request.Host = row.value
		} else if row.header != "" {
			request.Header.Set(row.header, row.value)
		}
		resp, err := newClient(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != row.want {
			t.Errorf("%v is answered with %d", row, resp.StatusCode)
		}
	}

	// What is in flight is finished, after the answer.
	if err := s.FailDataverse(simulator.Fault{Kind: simulator.FaultDelay, Delay: time.Second}); err != nil {
		t.Fatal(err)
	}
	done := make(chan outcome, 1)
	go func() {
		done <- send(t, newClient(t), "POST", p.origin+accounts, strings.NewReader(`{"name":"x"}`))
	}()
	eventually(t, 10*time.Second, "it is in flight", func() bool { return s.Stats().Requests == 1 })
	invoke(t, []string{"DVPROXY_ADMIN=" + strings.TrimPrefix(p.admin, "http://")}, "quit").want(t, 0)
	if o := <-done; o.status != 204 {
		t.Errorf("what was in flight is answered with %v", o)
	}
	if code := p.wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestExitAfterIdle(t *testing.T) {
	t.Parallel()
	const idle = time.Second
	s := tenant(t, simulator.Options{})
	p := start(t, "proxyrace", env(s), "serve", "--exit-after-idle", idle.String())
	p.ready(t)
	select {
	case <-p.exited:
		t.Fatal("it exits before the first request")
	case <-time.After(2 * idle): // which a slow job may need to start
	}
	if err := s.FailDataverse(simulator.Fault{Kind: simulator.FaultDelay, Delay: 2 * idle, Count: 1}); err != nil {
		t.Fatal(err)
	}
	c := newClient(t)
	if o := send(t, c, "GET", p.origin+accounts, nil); o.status != 200 { // longer than the limit, and in flight
		t.Errorf("answered %v", o)
	}
	begin := time.Now()
	if code := p.wait(t); code != 0 || time.Since(begin) < idle/4 { // the count begins before the client has the answer
		t.Errorf("exit code %d, %v after the last answer", code, time.Since(begin))
	}
	if !strings.Contains(p.allLogs(), "exit_after_idle") {
		t.Error("the log does not tell why")
	}
}
