//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"dvproxy/internal/simulator"
)

// A file that dvproxy's account may not read, as that account.
func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	dir, err := os.MkdirTemp("", "dvproxy-e2e-open-") // where another account may look, too
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(binaries, "proxy"))
	if err != nil {
		t.Fatal(err)
	}
	binary, secret := filepath.Join(dir, "dvproxy"), filepath.Join(dir, "secret")
	if err := os.WriteFile(binary, program, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(secret, []byte(s.ClientSecret()), 0o000); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "check")
	cmd.Dir, cmd.Env = dir, append(env(s), "AZURE_CLIENT_SECRET=", "AZURE_CLIENT_SECRET_FILE="+secret)
	if os.Getuid() == 0 { // who may read everything
		const nobody = 65534
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	out, _ := cmd.CombinedOutput()
	want := "AZURE_CLIENT_SECRET_FILE: the file cannot be read: permission denied; let the account that runs dvproxy read it: chown ACCOUNT FILE && chmod 0400 FILE"
	if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(out), want) {
		t.Errorf("exit code %d, want 2 and %q in:\n%s", code, want, out)
	}
}
