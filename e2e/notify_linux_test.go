package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// A manager is what systemd is for a process: it hears what the process says.
type manager struct {
	socket string

	mu    sync.Mutex // guards heard
	heard []string
}

func newManager(t *testing.T) *manager {
	t.Helper()
	m := &manager{socket: filepath.Join(t.TempDir(), "notify")}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		for buffer := make([]byte, 8192); ; {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.heard = append(m.heard, string(buffer[:n]))
			m.mu.Unlock()
		}
	}()
	return m
}

// env is what systemd sets where the unit says Type=notify and WatchdogSec=.
func (m *manager) env() []string {
	return []string{"NOTIFY_SOCKET=" + m.socket, "WATCHDOG_USEC=200000"}
}

func (m *manager) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.heard)
}

// eventually waits for a message that begins so.
func (m *manager) eventually(t *testing.T, begins string) {
	t.Helper()
	eventually(t, 10*time.Second, "a message "+begins, func() bool {
		return slices.ContainsFunc(m.all(), func(s string) bool { return strings.HasPrefix(s, begins) })
	})
}

// signsOfLife waits for five more.
func (m *manager) signsOfLife(t *testing.T) {
	t.Helper()
	before := len(m.all())
	eventually(t, 10*time.Second, "signs of life", func() bool {
		n := 0
		for _, s := range m.all()[before:] {
			if s == "WATCHDOG=1" {
				n++
			}
		}
		return n >= 5
	})
}

// Without a token dvproxy is up all the same, says what is the matter, and is
// not to be restarted for it.
func TestSystemdHears(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	if err := s.FailEntra(simulator.Fault{Kind: simulator.FaultAADSTS, Code: "7000215"}); err != nil {
		t.Fatal(err)
	}
	m := newManager(t)
	p := start(t, "proxyrace", append(env(s), m.env()...), "serve")
	m.eventually(t, "READY=1\nSTATUS=waiting for a token: 127.0.0.1: ")
	m.eventually(t, "STATUS=waiting for a token: 127.0.0.1: the token endpoint answered 401 invalid_client (AADSTS7000215)")
	m.signsOfLife(t)
	s.ClearEntraFaults()
	p.kill()

	p = start(t, "proxyrace", append(env(s), m.env()...), "serve")
	m.eventually(t, "STATUS=ready: 127.0.0.1: token renews in ")
	m.signsOfLife(t)
	if code := p.terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	m.eventually(t, "STOPPING=1\nSTATUS=draining: signal terminated\nEXTEND_TIMEOUT_USEC=30000000")
	all := m.all()
	if last := all[len(all)-1]; !strings.HasPrefix(last, "STOPPING=1") {
		t.Errorf("its last word is %q", last)
	}
	if strings.Contains(strings.Join(all, " "), s.ClientSecret()) {
		t.Error("the secret is in a message")
	}
}

// A reload has a beginning and an end, whatever comes of it.
func TestSystemdHearsOfReload(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	m := newManager(t)
	file := configFile(t, "log: {level: info}\n")
	p := start(t, "proxyrace", append(env(s), append(m.env(), "DVPROXY_CONFIG="+file)...), "serve")
	p.ready(t)
	for _, row := range []struct{ yaml, want string }{
		{"log: {level: shout}\n", "READY=1\nSTATUS=the configuration was not reloaded, see the log; ready: 127.0.0.1: "},
		{"log: {level: debug}\n", "READY=1\nSTATUS=ready: 127.0.0.1: "},
	} {
		if err := os.WriteFile(file, []byte(row.yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		before := len(m.all())
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, 10*time.Second, row.want, func() bool {
			heard := slices.DeleteFunc(m.all()[before:], func(s string) bool { return s == "WATCHDOG=1" })
			begun := slices.IndexFunc(heard, func(s string) bool { return strings.HasPrefix(s, "RELOADING=1\n") })
			return begun >= 0 && len(heard) > begun+1 && strings.HasPrefix(heard[begun+1], row.want)
		})
	}
	m.signsOfLife(t)
}

// Where there is no admin listener it is another one that has to answer, and
// Dataverse hears nothing of it.
func TestSignsOfLifeWithoutAdmin(t *testing.T) {
	for name, listen := range map[string]string{
		"plain":  "listen: localhost:0",
		"tls":    "listen: localhost:0, tls: {self_signed: true}",
		"socket": "listen: unix:SOCKET",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tenant(t, simulator.Options{})
			m := newManager(t)
			dir := t.TempDir()
			file := configFile(t, "state_dir: "+filepath.Join(dir, "state")+"\nadmin: {listen: off}\n"+
				"environments:\n  - {url: "+s.DataverseURL+", "+strings.ReplaceAll(listen, "SOCKET", filepath.Join(dir, "s"))+"}\n")
			cmd := exec.Command(filepath.Join(binaries, "proxyrace"), "serve", "--config", file)
			cmd.Env = append(env(s), m.env()...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			m.eventually(t, "READY=1")
			m.signsOfLife(t)
			if n := s.Stats().Requests; n != 0 {
				t.Errorf("Dataverse got %d requests", n)
			}
		})
	}
}

// A command is there once it runs, and does not speak in dvproxy's place.
func TestSystemdHearsOfRun(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	m := newManager(t)
	r := runs(t, append(env(s), m.env()...), nil, "sh", "-c", `echo "for me: $NOTIFY_SOCKET$WATCHDOG_USEC"; sleep 0.3; exit 7`)
	if line := r.line(); line != "for me: " {
		t.Errorf("the command sees %q", line)
	}
	m.eventually(t, "READY=1\nSTATUS=ready: 127.0.0.1: ")
	if code, rest := r.end(); code != 7 {
		t.Errorf("exit code %d: %q", code, rest)
	}
	m.eventually(t, "STOPPING=1")
}
