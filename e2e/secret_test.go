package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// configFile writes a configuration file.
func configFile(t testing.TB, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dvproxy.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrongSecretIsMended(t *testing.T) {
	s := tenant(t, simulator.Options{})
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("wrong-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, s, "AZURE_CLIENT_SECRET=", "AZURE_CLIENT_SECRET_FILE="+file)
	c := newClient(t)
	eventually(t, 20*time.Second, "sign-in was refused", func() bool { return tokenCalls(s) > 0 })
	start := time.Now()
	for range 20 {
		o := send(t, c, "POST", p.origin+accounts, strings.NewReader(`{"name":"x"}`))
		if o.status != http.StatusBadGateway || o.code != "dvproxy.sign_in_refused" {
			t.Fatalf("answered %v, want 502 dvproxy.sign_in_refused", o)
		}
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("20 answers took %v: they did not come at once", took)
	}
	resp, err := c.Get(p.origin + accounts)
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, 1000)
	n, _ := resp.Body.Read(body)
	resp.Body.Close()
	if !strings.Contains(string(body[:n]), "AADSTS7000215") {
		t.Errorf("the answer does not name the error: %s", body[:n])
	}
	if o := send(t, c, "GET", p.admin+"/readyz", nil); o.status != 503 {
		t.Errorf("/readyz answers %v", o)
	}
	if calls := tokenCalls(s); calls > 2 {
		t.Errorf("%d token calls within seconds, want one every 30 s", calls)
	}
	if err := os.WriteFile(file, []byte(s.ClientSecret()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.ready(t) // within seconds, and without a restart
	if o := send(t, c, "POST", p.origin+accounts, strings.NewReader(`{"name":"x"}`)); o.status != 204 {
		t.Errorf("with the mended secret: %v", o)
	}
}

// Neither secret nor token shows anywhere, whatever goes wrong.
func TestNoSecretShows(t *testing.T) {
	s := tenant(t, simulator.Options{TokenLifetime: time.Second})
	p := serve(t, s, "DVPROXY_LOG_LEVEL=debug", "DVPROXY_CONFIG="+configFile(t, "environments:\n  - retry: {max_wait: 1s}\n"))
	p.ready(t)
	c := newClient(t)
	var shown strings.Builder
	look := func(method, url string) {
		t.Helper()
		request, _ := http.NewRequestWithContext(t.Context(), method, url, nil)
		resp, err := c.Do(request)
		if err != nil {
			fmt.Fprintln(&shown, err)
			return
		}
		fmt.Fprintln(&shown, resp.Status, resp.Header)
		_, _ = fmt.Fprint(&shown, readAll(resp))
	}
	faults := []simulator.Fault{
		{Kind: simulator.FaultUnauthorized},
		{Kind: simulator.FaultReset},
		{Kind: simulator.FaultTruncate, Bytes: 10},
		{Kind: simulator.FaultClaimsChallenge},
		{Kind: simulator.FaultHTML},
		{Kind: simulator.FaultRedirect},
	}
	for _, f := range faults {
		if err := s.FailDataverse(f); err != nil {
			t.Fatal(err)
		}
		look("GET", p.origin+accounts)
		look("POST", p.origin+accounts)
		s.ClearDataverseFaults()
	}
	entra := []simulator.Fault{
		{Kind: simulator.FaultJunk},
		{Kind: simulator.FaultHTML},
		{Kind: simulator.FaultStatus, Status: 500},
		{Kind: simulator.FaultRedirect},
		{Kind: simulator.FaultReset},
		{Kind: simulator.FaultAADSTS, Code: "7000215"},
	}
	for _, f := range entra {
		if err := s.FailEntra(f); err != nil {
			t.Fatal(err)
		}
		calls := tokenCalls(s)
		eventually(t, 10*time.Second, "the fault strikes", func() bool { return tokenCalls(s) > calls })
		look("GET", p.origin+accounts)
		for _, path := range []string{"/readyz", "/status.json", "/metrics", "/livez"} {
			look("GET", p.admin+path)
		}
		s.ClearEntraFaults()
	}
	cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.cmd.Process.Pid))
	shown.Write(cmdline)
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // a dump of all goroutines
	p.wait(t)
	shown.WriteString(p.allLogs())
	if !strings.Contains(shown.String(), "goroutine ") {
		t.Error("there is no dump")
	}
	// Tokens of the simulator are JWTs, which begin like this.
	for what, canary := range map[string]string{"secret": s.ClientSecret(), "token": "eyJ"} {
		if i := strings.Index(shown.String(), canary); i >= 0 {
			t.Errorf("a %s shows: ...%s...", what, shown.String()[max(0, i-200):i])
		}
	}
}
