package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

func TestRunExitCodes(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte("no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(t.TempDir(), "orphan")
	if err := os.WriteFile(orphan, []byte("#!/no/such/interpreter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(orphan, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		args   []string
		want   int
		stderr string // in it; empty: nothing at all
	}{
		{"success", []string{"--", "true"}, 0, ""},
		{"failure", []string{"--", "sh", "-c", "exit 7"}, 7, ""},
		{"killed", []string{"--", "sh", "-c", "kill -KILL $$"}, 137, ""},
		{"terminated", []string{"--", "sh", "-c", "kill -TERM $$"}, 143, ""},
		{"without dashes", []string{"sh", "-c", "exit 3"}, 3, ""},
		{"a flag of the command's", []string{"sh", "-c", `test "$1" = --max`, "x", "--max"}, 0, ""},
		{"the command's own 2", []string{"--", "sh", "-c", "exit 2"}, 2, ""},
		{"not found", []string{"--", "no-such-command"}, 127, `the command "no-such-command" cannot be run`},
		{"no such file", []string{"--", filepath.Join(t.TempDir(), "x")}, 127, "no such file"},
		{"not executable", []string{"--", text}, 126, "permission denied"},
		{"no program", []string{"--", junk}, 126, "exec format error; a script needs a first line such as #!/bin/sh"},
		{"no interpreter", []string{"--", orphan}, 127, "no such file or directory; it is there, but the interpreter in its first line"},
		{"a folder", []string{"--", t.TempDir()}, 126, "cannot be run"},
		{"no command", []string{"--"}, 2, "dvproxy run -- CMD"},
		{"wrong flag", []string{"--colour", "--", "true"}, 2, "--colour"},
		{"idle", []string{"--exit-after-idle", "1m", "--", "true"}, 2, "not for run"},
		{"no time", []string{"--max", "0s", "--", "true"}, 2, "--max must be more than 0"},
		{"wrong setting", []string{"--log-level", "x", "--", "true"}, 2, "--log-level"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := invoke(t, env(s), append([]string{"run"}, tt.args...)...).want(t, tt.want, tt.stderr)
			if r.stdout != "" || tt.stderr == "" && r.stderr != "" {
				t.Errorf("it said %q %q", r.stdout, r.stderr)
			}
		})
	}
}

// The command reaches Dataverse by what it finds in its environment, and finds
// nothing there by which it could sign in itself.
func TestRunEnvironment(t *testing.T) {
	t.Parallel()
	curl := needTool(t, "curl")
	s := tenant(t, simulator.Options{})
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(s.ClientSecret()), 0o600); err != nil {
		t.Fatal(err)
	}
	script := `env; "$0" -sf "$DATAVERSE_URL/api/data/v9.2/WhoAmI" && "$0" -sf "$DVPROXY_URL/api/data/v9.2/accounts" && cat`
	for name, more := range map[string][]string{
		"secret": nil,
		"file":   {"AZURE_CLIENT_SECRET=", "AZURE_CLIENT_SECRET_FILE=" + secret},
		"config": {"AZURE_CLIENT_SECRET=", "DVPROXY_CONFIG=" + configFile(t, "environments:\n- url: "+s.DataverseURL+"\n  listen: localhost:7080\n  public_url: https://gateway.example\n"+
			"  credential: {tenant_id: "+s.TenantID()+", client_id: "+s.ClientID()+", client_secret: '"+s.ClientSecret()+"', authority: '"+s.EntraURL+"'}\nadmin: {listen: localhost:7081, quit: true}\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := invoke(t, append(env(s), append(more, "KEPT=yes", "DVPROXY_LOG_FORMAT=text")...), "run", "--", "sh", "-c", script, curl).want(t, 0)
			lines := strings.Split(r.stdout, "\n")
			vars := map[string]string{}
			for _, line := range lines {
				if name, value, ok := strings.Cut(line, "="); ok {
					vars[name] = value
				}
			}
			if origin := vars["DATAVERSE_URL"]; !strings.HasPrefix(origin, "http://localhost:") || strings.HasSuffix(origin, ":7080") || vars["DVPROXY_URL"] != origin ||
				!strings.Contains(r.stdout, origin+"/api/data/v9.2/$metadata") {
				t.Errorf("the command does not reach Dataverse:\n%s%s", r.stdout, r.stderr)
			}
			if vars["KEPT"] != "yes" || vars["AZURE_TENANT_ID"] != s.TenantID() {
				t.Errorf("the rest of the environment is gone:\n%s", r.stdout)
			}
			for name := range vars {
				if strings.HasPrefix(name, "DVPROXY_") && name != "DVPROXY_URL" || strings.Contains(name, "SECRET") {
					t.Errorf("the command sees %s", name)
				}
			}
			if strings.Contains(r.stdout+r.stderr, s.ClientSecret()) {
				t.Error("the command sees the secret")
			}
		})
	}
}

// Two environments: each has its origin in a variable of its own.
func TestRunSeveralEnvironments(t *testing.T) {
	t.Parallel()
	curl := needTool(t, "curl")
	s, other := tenant(t, simulator.Options{}), tenant(t, simulator.Options{})
	file := configFile(t, "environments:\n- {name: first, listen: 'localhost:7080', url: '"+s.DataverseURL+"'}\n- {name: the-other, listen: 'localhost:7082', url: '"+other.DataverseURL+
		"', credential: {tenant_id: "+other.TenantID()+", client_id: "+other.ClientID()+", client_secret: '"+other.ClientSecret()+"', authority: '"+other.EntraURL+"'}}\n")
	script := `test "$DATAVERSE_URL" = "$DVPROXY_URL_FIRST" && for url in "$DVPROXY_URL_FIRST" "$DVPROXY_URL_THE_OTHER"; do "$0" -sf "$url/api/data/v9.2/WhoAmI" || exit 1; done`
	invoke(t, append(env(s), "DATAVERSE_URL=", "DVPROXY_CONFIG="+file), "run", "--", "sh", "-c", script, curl).want(t, 0)
	if s.Stats().Requests != 1 || other.Stats().Requests != 1 {
		t.Errorf("%d and %d requests, want one each", s.Stats().Requests, other.Stats().Requests)
	}
}

// Two runs with the same file, whose addresses another dvproxy has taken, do
// not get in each other's way.
func TestRunTwice(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	other := serve(t, s)
	first, second := strings.TrimPrefix(other.origin, "http://"), strings.TrimPrefix(other.admin, "http://")
	file := "DVPROXY_CONFIG=" + configFile(t, "environments: [{listen: '"+first+"'}]\nadmin: {listen: '"+second+"'}\n")
	dir := t.TempDir()
	// Each waits until both are there.
	script := `touch "$0/$$"; until [ $(ls "$0" | wc -l) = 2 ]; do sleep 0.02; done; echo "$DATAVERSE_URL"`
	origins := make(chan string)
	for range 2 {
		go func() {
			origins <- invoke(t, append(env(s), file), "run", "--", "sh", "-c", script, dir).want(t, 0).stdout
		}()
	}
	if a, b := <-origins, <-origins; a == b || strings.Contains(a+b, first) {
		t.Errorf("they listen on %q and %q", a, b)
	}
	invoke(t, append(env(s), "DVPROXY_LISTEN="+first), "run", "--", "true").want(t, 1, "in use")
}

// Without a token the command is not started, and one reads what to mend.
func TestRunWithoutAToken(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	nobody, _ := nobodysAddress(t)
	hanging := tenant(t, simulator.Options{})
	if err := hanging.FailEntra(simulator.Fault{Kind: simulator.FaultHang}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		env     []string
		max     time.Duration
		atLeast time.Duration
		want    []string
	}{
		{"refused", append(env(s), "AZURE_CLIENT_SECRET=wrong"), 30 * time.Second, 0, []string{"✗ sign-in", "AADSTS7000215", "was not started"}},
		{"unreachable", append(env(s), "AZURE_AUTHORITY_HOST=http://"+nobody), 1500 * time.Millisecond, time.Second, []string{"✗ authority network", "to mend it:", "✗ sign-in"}},
		{"hanging", env(hanging), 1500 * time.Millisecond, 1500 * time.Millisecond, []string{"✗ sign-in", "was not started"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			marker := filepath.Join(t.TempDir(), "started")
			r := invoke(t, tt.env, "run", "--max", tt.max.String(), "--", "touch", marker).want(t, 1, tt.want...)
			if _, err := os.Stat(marker); err == nil {
				t.Error("the command was started")
			}
			if r.took < tt.atLeast || r.took > 20*time.Second {
				t.Errorf("it took %v", r.took)
			}
			if strings.Contains(r.stderr, s.ClientSecret()) {
				t.Error("the secret shows")
			}
		})
	}
}

// The standard streams are the command's, and dvproxy's log says what it is
// told to say.
func TestRunStreams(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	r := invoke(t, env(s), "run", "--log-level", "info", "--", "sh", "-c", "echo out; echo err >&2").want(t, 0, "err\n", `"msg":"listening"`, `"reason":"sh has ended"`)
	if r.stdout != "out\n" {
		t.Errorf("standard output is %q", r.stdout)
	}
}

// BenchmarkRun is a whole run of a command that does nothing.
func BenchmarkRun(b *testing.B) {
	s := tenant(b, simulator.Options{})
	for b.Loop() {
		invoke(b, env(s), "run", "--", "true").want(b, 0)
	}
}
