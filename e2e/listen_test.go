package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dvproxy/internal/simulator"
)

const everyAccount = "every account on this machine"

// curlWith is a bench whose dvproxy has a configuration file and a listen address.
func curlWith(t *testing.T, listen, yaml string) *curlBench {
	t.Helper()
	b := &curlBench{T: t, curl: needTool(t, "curl"), tenant: startTenant(t)}
	b.proxy = b.tenant.serve(t, "DVPROXY_LISTEN="+listen, "DVPROXY_CONFIG="+configFile(t, yaml))
	b.proxy.ready(t)
	return b
}

func TestCurlUnixSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	socket := filepath.Join(dir, "s.sock")
	b := curlWith(t, "unix:"+socket, "environments: [{socket_mode: 0660}]\n")
	if info, err := os.Lstat(socket); err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Fatalf("the socket: %v, %v", info, err)
	}
	if b.proxy.origin != "http://localhost" {
		t.Errorf("origin %s, want http://localhost", b.proxy.origin)
	}
	over := func(args ...string) curled { return b.do(append([]string{"--unix-socket", socket}, args...)...) }
	const json = "Content-Type: application/json"
	for _, host := range []string{"localhost", "dvproxy", "contoso.crm.dynamics.com", "[::1]:99", ""} {
		c := over("-H", "Host: "+host, "-H", json, "-d", `{"name":"first"}`, "http://localhost"+accounts)
		if host == "" {
			c = over("-H", "Host;", "-H", json, "-d", `{"name":"first"}`, "http://localhost"+accounts)
		}
		entity := strings.Join(c.want(t, "204").fields("OData-EntityId"), "")
		if !strings.HasPrefix(entity, "http://localhost"+accounts+"(") {
			t.Errorf("Host %q: OData-EntityId %q", host, entity)
		}
		over("-H", "Host: "+host, entity).want(t, "200")
		// A link of an answer's comes back in a request.
		over("-H", json, "-d", `{"name":"second","parentaccountid@odata.bind":"`+entity+`"}`, "http://localhost"+accounts).want(t, "204")
	}
	over("--http1.0", "-H", "Host:", "http://localhost"+api+"WhoAmI").want(t, "200")
	over("-H", "Origin: http://localhost", "http://localhost"+api+"WhoAmI").want(t, "403")
	over("-e", "https://evil.com/", "http://localhost"+api+"WhoAmI").want(t, "403")
	if status := b.do(b.proxy.admin+"/status.json").want(t, "200").body; !strings.Contains(status, "unix:"+socket) {
		t.Errorf("no unix:%s in the status: %s", socket, status)
	}
	if strings.Contains(b.proxy.allLogs(), everyAccount) {
		t.Error("a Unix socket is warned of as if it were open to all")
	}
	if code := b.proxy.terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSocketOfAKilledProcess(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	socket := filepath.Join(t.TempDir(), "s.sock")
	first := serve(t, s, "DVPROXY_LISTEN=unix:"+socket)
	run := func() (string, int) {
		cmd := exec.Command(filepath.Join(binaries, "proxy"), "serve")
		cmd.Env = append(env(s), "DVPROXY_LISTEN=unix:"+socket, "DVPROXY_ADMIN=off")
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := run(); code != 1 || !strings.Contains(out, "in use by another process") {
		t.Errorf("beside a live one: exit code %d\n%s", code, out)
	}
	first.kill()
	if _, err := os.Lstat(socket); err != nil {
		t.Fatalf("a killed process took its socket along: %v", err)
	}
	serve(t, s, "DVPROXY_LISTEN=unix:"+socket).terminate(t)
	if err := os.WriteFile(socket, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := run(); code != 1 || !strings.Contains(out, "something else") {
		t.Errorf("over a file: exit code %d\n%s", code, out)
	}
	if text, _ := os.ReadFile(socket); string(text) != "precious" {
		t.Errorf("the file holds %q", text)
	}
}

// One environment whose port is taken must not leave the socket of another behind.
func TestSocketGoesWithAFailedStart(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	other := serve(t, s)
	dir := t.TempDir()
	credential := "credential: {tenant_id: t, client_id: c, client_secret: s}"
	file := configFile(t, "environments:\n- {url: https://a.example, listen: 'unix:"+dir+"/s.sock', "+credential+"}\n"+
		"- {url: https://b.example, listen: '"+strings.TrimPrefix(other.origin, "http://")+"', "+credential+"}\n")
	cmd := exec.Command(filepath.Join(binaries, "proxy"), "serve", "--config", file, "--admin", "off")
	cmd.Env = []string{}
	if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("exit code %d\n%s", cmd.ProcessState.ExitCode(), out)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
