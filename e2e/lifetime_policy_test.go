package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dvproxy/internal/simulator"
)

// lifetime runs dvproxy lifetime, with nothing at its standard input, and
// returns its exit code and what it printed.
func lifetime(t *testing.T, s *simulator.Server, args ...string) (code int, out string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "proxy"), append([]string{"lifetime"}, args...)...)
	cmd.Args = append(cmd.Args, "--graph-url", s.GraphURL)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env(s)...)
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "eyJ") || strings.Contains(string(text), s.ClientSecret()) {
		t.Errorf("%v: a token or the secret shows", args)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// seenLifetime is the expires_in that a client of Entra gets now.
func seenLifetime(t *testing.T, s *simulator.Server) time.Duration {
	t.Helper()
	resp, err := http.PostForm(s.EntraURL+"/"+s.TenantID()+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {s.ClientID()}, "client_secret": {s.ClientSecret()}, "scope": {s.DataverseURL + "/.default"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var token struct {
		ExpiresIn int `json:"expires_in"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil {
		t.Fatal(err)
	}
	return time.Duration(token.ExpiresIn) * time.Second
}

// The lifetime that a client sees goes from the default to five hours and back,
// a while after the policy says so; setting it twice changes nothing.
func TestLifetimePolicySetShowClear(t *testing.T) {
	const usual = simulator.DefaultTokenLifetime
	s := tenant(t, simulator.Options{PolicyDelay: time.Second})
	step := func(wantCode int, want string, args ...string) {
		t.Helper()
		if code, out := lifetime(t, s, args...); code != wantCode || !strings.Contains(out, want) {
			t.Errorf("%v: exit code %d, want %d and %q\n%s", args, code, wantCode, want, out)
		}
	}
	seen := func(want time.Duration) {
		t.Helper()
		if got := seenLifetime(t, s); got != want {
			t.Errorf("a client gets a token for %v, want %v", got, want)
		}
	}
	seen(usual)
	step(0, "expires_in 3599", "show")
	step(2, "--yes", "set", "5h")
	step(2, "from 10m to 24h", "set", "25h", "--yes")
	if len(s.GraphPolicies()) > 0 {
		t.Fatalf("a refused command made %v", s.GraphPolicies())
	}
	step(0, "still lives for 59m59s", "set", "5h", "--yes")
	seen(5 * time.Hour)
	made := s.GraphPolicies()
	step(0, "nothing is changed", "set", "5h", "--yes")
	if diff := cmp.Diff(made, s.GraphPolicies()); diff != "" || len(made) != 1 {
		t.Errorf("set twice: %s", diff)
	}
	step(0, "5h0m0s, made by dvproxy", "show")

	// The proxy plans by it.
	p := serve(t, s)
	p.ready(t)
	if log := p.allLogs(); !strings.Contains(log, `"lifetime":"5h0m0s"`) {
		t.Errorf("the proxy does not see it:\n%s", log)
	}

	step(0, "The policy is gone", "clear", "--yes")
	seen(usual)
	step(0, "nothing of dvproxy's to clear", "clear", "--yes")
	if len(s.GraphPolicies()) > 0 || len(s.GraphAssigned()) > 0 {
		t.Errorf("left: %v", s.GraphPolicies())
	}
}

// A policy of somebody else's is as it was, byte for byte, after every command.
func TestLifetimePolicyOfSomebodyElse(t *testing.T) {
	s := tenant(t, simulator.Options{PolicyDelay: -1})
	const body = `{"displayName":"Contoso <1>","definition":["{ \"TokenLifetimePolicy\" : {\"Version\":1,\"AccessTokenLifetime\":\"4:00:00\"}}"]}`
	const principal = "/servicePrincipals(appId='00000007-0000-0000-c000-000000000000')/tokenLifetimePolicies/$ref"
	askGraph(t, s, "/policies/tokenLifetimePolicies", body)
	foreign := s.GraphPolicies()[0]
	askGraph(t, s, principal, `{"@odata.id":"`+s.GraphURL+`/v1.0/policies/tokenLifetimePolicies/`+foreign.ID+`"}`)
	for _, args := range []string{"show", "show --json", "set 5h --yes", "set 5h --dry-run", "set 5h --print az", "clear --yes", "clear --dry-run"} {
		code, out := lifetime(t, s, strings.Fields(args)...)
		if wantCode := map[bool]int{true: 1}[args == "set 5h --yes" || args == "set 5h --dry-run"]; code != wantCode {
			t.Errorf("%s: exit code %d, want %d\n%s", args, code, wantCode, out)
		}
		if !strings.Contains(out, "Contoso <1>") && !strings.Contains(args, "--print") {
			t.Errorf("%s does not name it:\n%s", args, out)
		}
		if diff := cmp.Diff([]simulator.GraphPolicy{foreign}, s.GraphPolicies()); diff != "" {
			t.Errorf("%s: %s", args, diff)
		}
		if got := seenLifetime(t, s); got != 4*time.Hour {
			t.Errorf("%s: a client gets a token for %v, want 4h", args, got)
		}
	}
}

// askGraph posts to Graph, as somebody else would.
func askGraph(t *testing.T, s *simulator.Server, path, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", s.GraphURL+"/v1.0"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.IssueToken(s.GraphURL))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode > 299 {
		t.Fatalf("POST %s: %s", path, resp.Status)
	}
}
