package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// TestSnippets runs each code block of docs/clients.md that says test=NAME, as
// it stands there but for the port. A system proxy is set that leads nowhere,
// so that a block which does not go past it fails.
func TestSnippets(t *testing.T) {
	t.Parallel()
	page := readClientsPage(t)
	tests := []struct {
		name     string
		want     string // regular expression of all that it prints
		requests int    // that Dataverse saw
		executed int    // of them, writes
	}{
		{"curl", `\{"@odata\.context":"ORIGIN/\S*"UserId":"\S*\}\s*HTTP/1\.1 204 (?s:.*)OData-EntityId: ORIGIN/api/data/v9\.2/accounts\([0-9a-f-]{36}\)\r\n(?s:.*)`, 2, 1},
		{"curl-clients", `(\{"@odata\.context":"ORIGIN/[^{}]*"UserId":"[^{}]*\}\s*){2}`, 2, 0},
		{"java", `\{"@odata\.context":"ORIGIN/.*"name":"Fabrikam".*\}\n`, 3, 2},
		{"python-requests", `Contoso\n`, 2, 1},
		{"python-urllib", `Contoso Fabrikam\nTailspin\n`, 5, 3},
		{"dynamics-web-api", `Contoso\n`, 2, 1},
		{"own-token", `expires in 2592000\n[0-9a-f-]{36}\n`, 1, 0},
		{"http10", `HTTP/1\.0 200 OK\r\n(?s:.*)Content-Length: \d+\r\n(?s:.*)"UserId"(?s:.*)`, 1, 0},
	}
	var names []string
	for _, tt := range tests {
		names = append(names, tt.name)
		t.Run(tt.name, func(t *testing.T) {
			s, ok := page.snippet(tt.name)
			if !ok {
				t.Fatalf("%s has no block with test=%s", clientsPage, tt.name)
			}
			t.Parallel()
			dataverse := tenant(t, simulator.Options{})
			p := serve(t, dataverse, s.settings(t)...)
			p.ready(t)
			out := s.run(t, p.origin)
			want := regexp.MustCompile(`^` + strings.ReplaceAll(tt.want, "ORIGIN", regexp.QuoteMeta(p.origin)) + `$`)
			if !want.MatchString(out) {
				t.Errorf("it prints\n%s\nwant %s", out, want)
			}
			stats := dataverse.Stats()
			if stats.Requests != tt.requests || stats.Executed != tt.executed || len(stats.Refused) != 0 {
				t.Errorf("Dataverse saw %d requests, %d of them writes, refused tokens %v; want %d, %d, none",
					stats.Requests, stats.Executed, stats.Refused, tt.requests, tt.executed)
			}
		})
	}
	for _, s := range page.snippets {
		if s.test != "" && !slices.Contains(names, s.test) {
			t.Errorf("%s:%d: test=%s is not known here", clientsPage, s.line, s.test)
		}
	}
}

// TestClientsPage compares what docs/clients.md says is tested with what is.
func TestClientsPage(t *testing.T) {
	page := readClientsPage(t)
	for _, s := range page.snippets {
		runs := runner(s.language) != nil
		if runs && s.test == "" {
			t.Errorf("%s:%d: a block of %s without test=", clientsPage, s.line, s.language)
		}
		if !runs && s.test != "" {
			t.Errorf("%s:%d: test=%s, but nothing here runs %s", clientsPage, s.line, s.test, s.language)
		}
	}
	if len(page.claims) < 10 {
		t.Fatalf("%s: found %d rows of the table of contents", clientsPage, len(page.claims))
	}
	for anchor, claimed := range page.claims {
		tested := slices.ContainsFunc(page.snippets, func(s snippet) bool { return s.section == anchor && s.test != "" })
		if !slices.Contains(page.sections, anchor) || tested != claimed {
			t.Errorf("%s: the table says of #%s that tested is %v; there is such a section: %v, with a tested block: %v",
				clientsPage, anchor, claimed, slices.Contains(page.sections, anchor), tested)
		}
	}
}

// run gives the snippet to its language and returns what it prints.
func (s snippet) run(t *testing.T, origin string) string {
	t.Helper()
	text := strings.ReplaceAll(s.text, documentedOrigin, origin)
	if text == s.text {
		t.Fatalf("%s:%d: it does not call %s", clientsPage, s.line, documentedOrigin)
	}
	cmd := runner(s.language)(t, text)
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"), "HOME="+t.TempDir(), "CLIENT_SECRET="+clientSecret)
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s:%d: %v\n%s%s", clientsPage, s.line, err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

const (
	clientSecret = "secret of the nightly import"
	nowhere      = "http://127.0.0.1:9" // the system proxy; nothing listens there
)

// settings are those that the text around the snippet speaks of.
func (s snippet) settings(t *testing.T) []string {
	t.Helper()
	switch s.with {
	case "":
		return nil
	case "clients":
		file := filepath.Join(t.TempDir(), "nightly-import.secret")
		if err := os.WriteFile(file, []byte(clientSecret), 0o600); err != nil {
			t.Fatal(err)
		}
		yaml := fmt.Sprintf("environments:\n  - clients:\n      - {id: nightly-import, secret_file: %q}\n", file)
		return []string{"DVPROXY_CONFIG=" + configFile(t, yaml)}
	}
	t.Fatalf("%s:%d: with=%s is not known here", clientsPage, s.line, s.with)
	return nil
}

// runner makes the command for a program in a language; nil if none is known.
func runner(language string) func(*testing.T, string) *exec.Cmd {
	proxy := []string{"http_proxy=" + nowhere, "HTTP_PROXY=" + nowhere}
	switch language {
	case "sh":
		return func(t *testing.T, text string) *exec.Cmd {
			needTool(t, "curl")
			cmd := exec.CommandContext(t.Context(), "sh", "-euc", text)
			cmd.Env = proxy
			return cmd
		}
	case "python":
		return func(t *testing.T, text string) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), pythonWithRequests(t), "-c", text)
			cmd.Env = proxy
			return cmd
		}
	case "java":
		return func(t *testing.T, text string) *exec.Cmd {
			needTool(t, "javac") // without it java runs no source
			file := filepath.Join(t.TempDir(), "Client.java")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return exec.CommandContext(t.Context(), "java", "-Dhttp.proxyHost=127.0.0.1", "-Dhttp.proxyPort=9", "-Dhttp.nonProxyHosts=", file)
		}
	case "js": // the page says to take http_proxy away
		return func(t *testing.T, text string) *exec.Cmd {
			cmd := exec.CommandContext(t.Context(), needTool(t, "node"), "--input-type=module")
			installClient(t)
			cmd.Dir, cmd.Stdin = "client", strings.NewReader(text)
			return cmd
		}
	}
	return nil
}

// pythonWithRequests is Debian's Python, where python3-requests goes, or else
// the first in PATH, if it has the library.
func pythonWithRequests(t *testing.T) string {
	t.Helper()
	tried := []string{"/usr/bin/python3", "python3"}
	for _, python := range tried {
		if exec.CommandContext(t.Context(), python, "-c", "import requests").Run() == nil {
			return python
		}
	}
	message := fmt.Sprintf("none of %q is a Python with requests; install it (on Debian: python3-requests)", tried)
	if os.Getenv("CI") == "true" {
		t.Fatal(message + ", this test must not be left out in CI")
	}
	t.Skip(message)
	return ""
}
