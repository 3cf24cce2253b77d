package e2e

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// What is in flight finishes on the settings that it began with; what comes after
// on the same connections has the new ones.
func TestReloadSettings(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	base := "environments:\n" + yamlOf(s, "main", "    listen: localhost:0\n")
	p := serveFile(t, base)
	p.ready(t)
	c := newClient(t)
	finish := p.slowPost(t, c, p.origin, "main")
	p.change(t, base+"    guard: {read_only: true}\n", reloaded)
	if o := send(t, c, "POST", p.origin+accounts, strings.NewReader(`{}`)); o.code != "dvproxy.read_only" {
		t.Errorf("a write after the change: %v", o)
	}
	if o := finish(); o.status != http.StatusNoContent {
		t.Errorf("the one in flight: %v", o)
	}
	p.change(t, base, reloaded)
	if o := send(t, c, "POST", p.origin+accounts, strings.NewReader(`{"name":"x"}`)); o.status != http.StatusNoContent {
		t.Errorf("a write after the change back: %v", o)
	}
	if n := tokenCalls(s); n != 1 {
		t.Errorf("%d token calls, want 1 since the credential stayed", n)
	}
}

// A listener that becomes open to all accounts is warned of as at a start, and only
// then.
func TestReloadOpensAListener(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	open := "environments:\n" + yamlOf(s, "main", "    listen: localhost:0\n")
	secret := newFolder(t).write(t, "client", []byte("a-secret-of-the-nightly-client"))
	p := serveFile(t, open+"    clients: [{id: nightly, secret_file: "+secret+"}]\n")
	p.ready(t)
	warnings := func() int { return strings.Count(p.allLogs(), "every account on this machine") }
	if warnings() != 0 {
		t.Error("a listener with clients is said to be open")
	}
	p.change(t, open, reloaded)
	p.change(t, open+"    affinity: spread\n", reloaded)
	if n := warnings(); n != 1 {
		t.Errorf("warned %d times of a listener that is open now, want once", n)
	}
}

// Environments and listeners come, move and go. One that goes finishes what it has
// in flight, and then nobody listens there and no token is fetched for it.
func TestReloadEnvironments(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{TokenLifetime: 2 * time.Second})
	other := tenant(t, simulator.Options{TokenLifetime: 2 * time.Second})
	one := "environments:\n" + yamlOf(s, "main", "    listen: localhost:0\n")
	socket := "unix:" + filepath.Join(t.TempDir(), "s")
	p := serveFile(t, one)
	p.ready(t)
	p.change(t, one+yamlOf(other, "second", "    listen: localhost:0\n"), reloaded)
	p.ready(t)
	c, origin := newClient(t), p.origins()["second"]
	if o := send(t, c, "POST", origin+accounts, strings.NewReader(`{"name":"x"}`)); o.status != http.StatusNoContent {
		t.Fatalf("the environment that came: %v", o)
	}
	if page := metrics(t, p.proxy); !strings.Contains(page, `dvproxy_token_runway_seconds{environment="second"}`) {
		t.Error("no metrics of the environment that came")
	}

	finish := p.slowPost(t, c, origin, "second")
	p.change(t, one+yamlOf(other, "second", "    listen: "+socket+"\n"), reloaded)
	eventually(t, 20*time.Second, "nobody listens at the old address", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(origin, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if o := finish(); o.status != http.StatusNoContent {
		t.Errorf("the one in flight at the old address: %v", o)
	}
	if page := metrics(t, p.proxy); !strings.Contains(page, `dvproxy_requests_total{code="204",environment="second",method="POST"} 2`) {
		t.Error("the counts of the environment that moved do not go on")
	}

	p.change(t, one, reloaded)
	eventually(t, 20*time.Second, "the socket is gone", func() bool {
		_, err := os.Stat(strings.TrimPrefix(socket, "unix:"))
		return err != nil && !strings.Contains(metrics(t, p.proxy), `runway_seconds{environment="second"}`)
	})
	calls := tokenCalls(other)
	<-time.After(2 * time.Second) // a lifetime
	if now := tokenCalls(other); now != calls {
		t.Errorf("%d token calls for an environment that is gone", now-calls)
	}
	if code := p.terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A change of the credential that turns out wrong does not take the token away that
// is there, and neither does one while there is no token to be had.
func TestReloadKeepsTheToken(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	base := "environments:\n" + yamlOf(s, "main", "    listen: localhost:0\n")
	p := serveFile(t, base)
	p.ready(t)
	c := newClient(t)
	outage(t, s)
	p.change(t, base+"    renew_at: 0.8\n", reloaded)
	before := p.lines()
	p.change(t, strings.Replace(base, s.ClientSecret(), "a-wrong-secret", 1), reloaded)
	eventually(t, 20*time.Second, "the new secret is tried at once", func() bool {
		return strings.Contains(p.lastLogs(p.lines()-before), "token renewal failed")
	})
	if o := send(t, c, "POST", p.origin+accounts, strings.NewReader(`{"name":"x"}`)); o.status != http.StatusNoContent {
		t.Errorf("with a live token: %v", o)
	}
}

// What a running dvproxy cannot change is refused whole, with the reason, and so is
// what is wrong.
func TestReloadIsRefused(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	head := "environments:\n" + yamlOf(s, "main", "    listen: ")
	p := serveFile(t, head+"localhost:0\n")
	p.ready(t)
	port := p.origin[strings.LastIndex(p.origin, ":"):]
	p.change(t, head+"localhost"+port+"\n", "needs a restart")
	p.change(t, head+"localhost:0\n    tls: {self_signed: true}\nstate_dir: "+t.TempDir()+"\n", "TLS cannot be switched")
	p.change(t, head+"localhost:0\n    guard: {read_only: true}\n    nonsense: 1\n", "nonsense")
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	p.change(t, head+"localhost:0\n    guard: {read_only: true}\n"+yamlOf(s, "busy", "    listen: "+busy.Addr().String()+"\n"), "is in use")
	os.Remove(p.file)
	p.hangUp(t, "no such file")
	if o := send(t, newClient(t), "POST", p.origin+accounts, strings.NewReader(`{"name":"x"}`)); o.status != http.StatusNoContent {
		t.Errorf("after all that: %v", o)
	}
	if code := p.terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A hold that Dataverse asked for outlives a reload.
func TestReloadWhileThrottled(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{Limits: simulator.Limits{Requests: 20, Window: 3 * time.Second}})
	base := "environments:\n" + yamlOf(s, "main", "    listen: localhost:0\n")
	p := serveFile(t, base)
	p.ready(t)
	done := make(chan *tally, 1)
	go func() { done <- create(t, p.origin, 8, 6) }()
	eventually(t, 10*time.Second, "throttled", func() bool { return strings.Contains(p.allLogs(), `"msg":"throttled"`) })
	p.change(t, base+"    affinity: spread\n", reloaded)
	o := send(t, newClient(t), "POST", p.origin+accounts, strings.NewReader(`{"name":"late"}`))
	if o.status != http.StatusNoContent {
		t.Errorf("one that came after the reload: %v", o)
	}
	outcomes := <-done
	throttled := 0
	for _, n := range s.Stats().Throttled {
		throttled += n
	}
	if bad := outcomes.bad(); len(bad) > 0 || throttled > 8+8 {
		t.Errorf("clients saw %v, %d were throttled", bad, throttled)
	}
}

// The level of the log changes, and what may be done at the admin listener.
func TestReloadLogAndAdmin(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	base := "environments:\n" + yamlOf(s, "main", "    listen: localhost:0\n") + "admin: {listen: \"localhost:0\", quit: true}\n"
	p := serveFile(t, base, "DVPROXY_LOG_LEVEL=")
	p.ready(t)
	c := newClient(t)
	if err := os.WriteFile(p.file, []byte(base+"log: {level: warn}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	eventually(t, 10*time.Second, "it is read again", func() bool { return strings.Contains(metrics(t, p.proxy), `reloads_total{result="ok"} 1`) })
	send(t, c, "GET", p.origin+accounts+"(11111111-1111-1111-1111-111111111111)", nil)
	p.change(t, base, reloaded)
	send(t, c, "GET", p.origin+accounts, nil)
	logged := func() int { return strings.Count(p.allLogs(), `"msg":"request"`) }
	eventually(t, 20*time.Second, "a request is logged", func() bool { return logged() > 0 })
	if n := logged(); n != 1 {
		t.Errorf("%d of two requests are logged, want only the one on the info level", n)
	}
	resp, err := http.Post(p.admin+"/quitquitquit", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if code := p.wait(t); resp.StatusCode >= 300 || code != 0 {
		t.Errorf("quit answers %d, exit code %d", resp.StatusCode, code)
	}
}
