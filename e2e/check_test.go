package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
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
