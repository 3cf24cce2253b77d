package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPackaged: the configuration that comes with deb and rpm sets nothing, so
// that serve refuses to start with it, and what its comments teach is one that
// dvproxy takes.
func TestPackaged(t *testing.T) {
	name := filepath.Join("..", "..", "deploy", "packages", "dvproxy.yaml")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if line != "\n" && !strings.HasPrefix(line, "#") {
			t.Errorf("it sets %q", line)
		}
	}
	for _, env := range []string{"DATAVERSE_URL", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"} {
		t.Setenv(env, "")
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"serve", "--config", name}, &stdout, &stderr); code != exitUsage {
		t.Errorf("serve as it comes: exit code %d, want %d; it says %s", code, exitUsage, stderr.String())
	}

	dir := t.TempDir()
	secret := filepath.Join(dir, "client-secret")
	if err := os.WriteFile(secret, []byte("S3cret~of-the-test"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, sample, _ := strings.Cut(string(text), "\n#environments")
	taught := strings.ReplaceAll("environments"+sample, "\n#", "\n")
	for _, path := range []struct{ packaged, here string }{
		{"/run/credentials/dvproxy.service/client-secret", secret},
		{"/var/lib/dvproxy", dir},
	} {
		if !strings.Contains(taught, ": "+path.packaged+"\n") {
			t.Errorf("it does not name %s, which dvproxy.service makes", path.packaged)
		}
		taught = strings.ReplaceAll(taught, path.packaged, filepath.ToSlash(path.here))
	}
	name = filepath.Join(dir, "dvproxy.yaml")
	if err := os.WriteFile(name, []byte(taught), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout.Reset()
	stderr.Reset()
	if code := run(t.Context(), []string{"config", "--config", name}, &stdout, &stderr); code != exitOK || !strings.Contains(stdout.String(), "client_secret_file: ") {
		t.Errorf("config with what it teaches: exit code %d, %s%s", code, stderr.String(), stdout.String())
	}
}
