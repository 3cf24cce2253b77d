package e2e

import (
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// Nothing that is down keeps dvproxy from starting, and it gets ready by
// itself.
func TestStartsWithoutEntra(t *testing.T) {
	s := tenant(t, simulator.Options{})
	addr, release := nobodysAddress(t)
	p := serve(t, s, "AZURE_AUTHORITY_HOST=http://"+addr)
	if o := send(t, newClient(t), "GET", p.admin+"/readyz", nil); o.status != 503 {
		t.Errorf("/readyz answers %v", o)
	}
	if o := send(t, newClient(t), "GET", p.admin+"/livez", nil); o.status != 200 {
		t.Errorf("/livez answers %v", o)
	}
	release()
	var l net.Listener
	eventually(t, 10*time.Second, "the address is free", func() bool {
		var err error
		l, err = net.Listen("tcp", addr)
		return err == nil
	})
	entra := &http.Server{Handler: s.Entra(), ReadHeaderTimeout: time.Minute}
	defer entra.Close()
	go func() { _ = entra.Serve(l) }()
	p.ready(t)
}

// Wrong usage and configuration: exit 2, every mistake named, nothing started.
func TestWrongUsage(t *testing.T) {
	bad := configFile(t, "environments:\n  - url: ftp://contoso\n    renew_at: 7\n    colour: red\n    credential: {tenant_id: t}\n")
	tests := []struct {
		name string
		args []string
		want []string
	}{
		{"no command", nil, []string{"say which command"}},
		{"unknown command", []string{"sreve"}, []string{"sreve"}},
		{"unknown flag", []string{"serve", "--colour"}, []string{"--colour"}},
		{"nothing set", []string{"serve"}, []string{"DATAVERSE_URL", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"}},
		{"no such file", []string{"serve", "--config", "/nonexistent.yaml"}, []string{"/nonexistent.yaml"}},
		{"wrong file", []string{"serve", "--config", bad}, []string{
			"dvproxy.yaml:2:10: environments[0].url", "dvproxy.yaml:3:15: environments[0].renew_at",
			"dvproxy.yaml:4:5: environments[0].colour", "environments[0].credential",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.Command(filepath.Join(binaries, "proxy"), tt.args...)
			cmd.Env = []string{}
			out, _ := cmd.CombinedOutput()
			if code := cmd.ProcessState.ExitCode(); code != 2 {
				t.Errorf("exit code %d, want 2\n%s", code, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("%q is not in:\n%s", want, out)
				}
			}
		})
	}
}

func TestAddressInUse(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil && strings.HasPrefix(address, "[") {
			continue // a machine without IPv6: the other address is all there is
		} else if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		s := tenant(t, simulator.Options{})
		cmd := exec.Command(filepath.Join(binaries, "proxy"), "serve")
		cmd.Env = append(env(s), "DVPROXY_LISTEN=localhost:"+port, "DVPROXY_ADMIN=off")
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), "in use") {
			t.Errorf("%s is taken: exit code %d\n%s", address, code, out)
		}
		_ = l.Close()
	}
}

// BenchmarkStart is the time from the start of the process to the first
// proxied answer, the client's polling included.
func BenchmarkStart(b *testing.B) {
	s := tenant(b, simulator.Options{})
	c := newClient(b)
	for b.Loop() {
		p := start(b, "proxy", env(s), "serve")
		if o := send(b, c, "GET", p.origin+"/api/data/v9.2/WhoAmI", nil); o.status != 200 {
			b.Fatal(o)
		}
		b.StopTimer()
		p.kill()
		b.StartTimer()
	}
}
