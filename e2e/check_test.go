package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// A checkStep is a step of dvproxy check --json.
type checkStep struct{ Name, State, Detail, Remedy string }

// checkRun runs dvproxy check with nothing but env for its environment.
func checkRun(t testing.TB, env []string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "proxy"), append([]string{"check"}, args...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // its exit code tells
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// checkEnvironments are the steps of each environment, by their names. Where a
// name comes twice, the last counts.
func checkEnvironments(t testing.TB, wantExit int, env ...string) map[string]map[string]checkStep {
	t.Helper()
	stdout, stderr, exit := checkRun(t, env, "--json")
	var result struct {
		OK           bool
		Environments []struct {
			Name, URL string
			OK        bool
			Steps     []checkStep
		}
	}
	if err := json.Unmarshal([]byte(stdout), &result); err != nil || exit != wantExit || result.OK != (exit == 0) {
		t.Fatalf("exit code %d, want %d; %v in:\n%s%s", exit, wantExit, err, stdout, stderr)
	}
	found := map[string]map[string]checkStep{}
	for _, e := range result.Environments {
		found[e.Name] = map[string]checkStep{}
		for _, s := range e.Steps {
			found[e.Name][s.Name] = s
		}
	}
	return found
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{Limits: simulator.Limits{Requests: 6000, Window: 5 * time.Minute, Execution: 20 * time.Minute}})
	stdout, stderr, exit := checkRun(t, env(s))
	if exit != 0 || stderr != "" {
		t.Errorf("exit code %d, %s", exit, stderr)
	}
	// What differs from run to run.
	shown := strings.NewReplacer(s.DataverseURL, "URL", s.TenantID(), "TENANT", s.ClientID(), "APP").Replace(stdout)
	shown = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).ReplaceAllString(shown, "GUID")
	const want = `127.0.0.1  URL
  ✓ settings           complete, and nothing contradicts
  ! listener           every account that reaches localhost:7080 acts as the application
    to mend it:        if other accounts use this machine, set clients, or listen on a Unix socket
  ✓ environment clock  within a few seconds of that of the environment
  ✓ environment        asks for a token of tenant TENANT
  ✓ authority clock    within a few seconds of that of the authority
  ✓ sign-in            a token that lives 59m59s, application APP, tenant TENANT
  ✓ audience           URL
  ✓ whoami             application user GUID of organization GUID
  ✓ limits             1,200.00 seconds of execution left, 48 requests at a time recommended, 5999 requests left
`
	if shown != want {
		t.Errorf("shown:\n%s\nwant:\n%s", shown, want)
	}
	if arrived := s.Stats(); arrived.Requests != 2 || tokenCalls(s) != 1 || arrived.Executed != 0 {
		t.Errorf("the check sent %d requests and asked for %d tokens; want 2 and 1", arrived.Requests, tokenCalls(s))
	}
	for what, canary := range map[string]string{"secret": s.ClientSecret(), "token": "eyJ"} {
		if strings.Contains(stdout, canary) {
			t.Errorf("a %s shows", what)
		}
	}
}

// What is wrong is told with an exit code of 1, and the rest is checked all the same.
func TestCheckFails(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	k := trust(t, s)
	soon := newIdentity(t, time.Now().Add(10*24*time.Hour), nil)
	s.SetCertificates(soon.certificate)
	s.SetApplicationUser(false)
	ways := []way{
		{"soon", "certificate_file: " + k.dir.write(t, "soon", soon.pem())},
		{"wrong", "client_secret: wrong"},
	}
	steps := checkEnvironments(t, 1, "DVPROXY_CONFIG="+waysFile(t, s, ways))
	for _, want := range []struct{ environment, step, state, word string }{
		{"soon", "sign-in", "ok", "application " + s.ClientID()},
		{"soon", "certificate", "warning", "expires on " + soon.certificate.NotAfter.UTC().Format(time.DateOnly)},
		{"soon", "whoami", "failed", "0x80072560"},
		{"soon", "whoami", "failed", "New app user"},
		{"wrong", "environment", "ok", s.TenantID()},
		{"wrong", "sign-in", "failed", "AADSTS7000215"},
		{"wrong", "whoami", "skipped", "no token"},
	} {
		got := steps[want.environment][want.step]
		if got.State != want.state || !strings.Contains(got.Detail+got.Remedy, want.word) {
			t.Errorf("%s, %s: %+v, want %s and %q", want.environment, want.step, got, want.state, want.word)
		}
	}
	if _, stderr, exit := checkRun(t, nil); exit != 2 || !strings.Contains(stderr, "DATAVERSE_URL") {
		t.Errorf("nothing set: exit code %d, %s", exit, stderr)
	}
}

// Between here and the environment there may be a proxy, which is looked at first.
func TestCheckBehindAProxy(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	asked := make(chan string, 16)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	t.Cleanup(refuses.Close)
	for _, tt := range []struct {
		proxy string
		step  string
		words []string
	}{
		{refuses.URL, "environment network", []string{"the proxy 127.0.0.1:", "Proxy Authentication Required", "user and password"}},
		{"http://127.0.0.1:1", "environment network", []string{"the proxy 127.0.0.1:1 is not reached", "NO_PROXY"}},
		{"http://proxy.invalid:3128", "environment dns", []string{"proxy.invalid"}},
	} {
		settings := append(env(s), "DATAVERSE_URL=https://contoso.crm.dynamics.com", "HTTPS_PROXY="+tt.proxy)
		got := checkEnvironments(t, 1, settings...)["contoso"][tt.step]
		for _, word := range tt.words {
			if got.State != "failed" || !strings.Contains(got.Detail+" "+got.Remedy, word) {
				t.Errorf("with %s: %s is %+v, want %q", tt.proxy, tt.step, got, word)
			}
		}
	}
	if got := <-asked; got != "CONNECT contoso.crm.dynamics.com:443" {
		t.Errorf("the proxy was asked for %s", got)
	}
}
