//go:build unix

package lifetime

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fakeAz notes its arguments, a line for each call, and prints an id for the
// queries that are to find one: NOW for what is assigned, OWN for our own, NEW
// for a new one.
const fakeAz = `#!/bin/sh
query= url=
while [ $# -gt 0 ]; do
  printf '%s\t' "$1" >> "$LOG"
  [ "$1" = --query ] && query=$2
  [ "$1" = --url ] && url=$2
  shift
done
printf '\n' >> "$LOG"
case $query in
  id) echo "$NEW" ;;
  'value[0].id') echo "$NOW" ;;
  *) case $url in
    *servicePrincipals*) [ "$NOW" != "$OWN" ] || echo "$OWN" ;;
    *) echo "$OWN" ;;
    esac ;;
esac
`

// The lines run as they are in a shell, and the calls are those of the plans.
func TestAzScriptRuns(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "az"), []byte(fakeAz), 0o755); err != nil {
		t.Fatal(err)
	}
	policies, assigned := "https://graph.microsoft.us/v1.0"+policiesPath, "https://graph.microsoft.us/v1.0"+assignedPath
	body := func(id string) string { return `{"@odata.id":"` + policies + "/" + id + `"}` }
	for _, tt := range []struct {
		name     string
		want     time.Duration
		now, own string
		calls    []string // method, URL and body of those that change something
		fails    bool
	}{
		{"nothing there", 5 * time.Hour, "", "", []string{"post " + policies + " " + bodyOf(create(5*time.Hour)), "post " + assigned + "/$ref " + body("new")}, false},
		{"ours", 5 * time.Hour, "own", "own", []string{"patch " + policies + "/own " + bodyOf(update("own", 5*time.Hour))}, false},
		{"half done", 5 * time.Hour, "", "own", []string{"patch " + policies + "/own " + bodyOf(update("own", 5*time.Hour)), "post " + assigned + "/$ref " + body("own")}, false},
		{"foreign", 5 * time.Hour, "other", "", nil, true},
		{"foreign beside ours", 5 * time.Hour, "other", "own", nil, true},
		{"clear", 0, "own", "own", []string{"delete " + assigned + "/own/$ref", "delete " + policies + "/own"}, false},
		{"clear half done", 0, "", "own", []string{"delete " + policies + "/own"}, false},
		{"clear beside a foreign one", 0, "other", "own", []string{"delete " + policies + "/own"}, false},
		{"nothing to clear", 0, "other", "", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			cmd := exec.Command("sh", "-c", AzScript(CloudAt("https://graph.microsoft.us"), tt.want))
			cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "LOG=" + log, "NOW=" + tt.now, "OWN=" + tt.own, "NEW=new"}
			out, err := cmd.CombinedOutput()
			if (err != nil) != tt.fails {
				t.Fatalf("%v\n%s", err, out)
			}
			var calls []string
			for _, line := range readLines(t, log) {
				if call := callOf(t, line); !strings.HasPrefix(call, "get ") {
					calls = append(calls, call)
				}
			}
			if strings.Join(calls, "\n") != strings.Join(tt.calls, "\n") {
				t.Errorf("calls\n%s\nwant\n%s", strings.Join(calls, "\n"), strings.Join(tt.calls, "\n"))
			}
		})
	}
}

func readLines(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// callOf is method, URL and body of a call of az.
func callOf(t *testing.T, line string) string {
	t.Helper()
	words := strings.Split(line, "\t")
	if len(words) < 2 || words[0] != "rest" {
		t.Fatalf("az was called as %q", words)
	}
	given := map[string]string{}
	for i := 1; i+1 < len(words); i += 2 {
		given[words[i]] = words[i+1]
	}
	if given["--resource"] != "https://graph.microsoft.us" {
		t.Errorf("the token would be for %q", given["--resource"])
	}
	body := given["--body"]
	if body != "" && (!json.Valid([]byte(body)) || given["--headers"] != "Content-Type=application/json") {
		t.Errorf("body %q, headers %q", body, given["--headers"])
	}
	return strings.TrimSpace(given["--method"] + " " + given["--url"] + " " + body)
}

func TestPowerShellScript(t *testing.T) {
	set := PowerShellScript(CloudAt("https://dod-graph.microsoft.us"), 5*time.Hour)
	for _, want := range []string{
		"-Environment USGovDoD", "'https://dod-graph.microsoft.us/v1.0'", "'" + Mark + "'", "'" + define(5 * time.Hour)[0] + "'",
		"New-MgPolicyTokenLifetimePolicy", "Update-MgPolicyTokenLifetimePolicy", "New-MgServicePrincipalTokenLifetimePolicyByRef", "appId eq ''" + DataverseAppID + "''",
	} {
		if !strings.Contains(set, want) {
			t.Errorf("%s is not in\n%s", want, set)
		}
	}
	clear := PowerShellScript(Cloud{Graph: "http://127.0.0.1:7183"}, 0)
	if strings.Contains(clear, "-Environment") || !strings.Contains(clear, "/`$ref\"") || !strings.Contains(clear, "Remove-MgPolicyTokenLifetimePolicy") {
		t.Errorf("%s", clear)
	}
	for _, script := range []string{set, clear} {
		if strings.Count(script, "{") != strings.Count(script, "}") || strings.Count(script, "(") != strings.Count(script, ")") {
			t.Errorf("brackets do not match:\n%s", script)
		}
	}
}
