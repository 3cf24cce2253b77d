//go:build unix

package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCheckSecretFile(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link, pipe := filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := os.Symlink(file("target", "s", 0o602), link); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ in, warning, problem string }{
		{file("private", "s", 0o400), "", ""},
		{file("group", "s", 0o640), "", ""},
		{file("kubernetes", "s", 0o644), "every account on this machine may read", ""},
		{file("umask", "s", 0o664), "the file's group may write", ""},
		{file("open", "s", 0o666), "", "every account on this machine may write"},
		{link, "", "every account on this machine may write"},
		{file("empty", "", 0o600), "", "the file is empty"},
		{filepath.Join(dir, "none"), "", "the file does not exist"},
		{dir, "", "is a folder"},
		{pipe, "", "is not a regular file"},
	} {
		warning, err := CheckSecretFile(row.in)
		if !strings.HasPrefix(warning, row.warning) || (warning == "") != (row.warning == "") {
			t.Errorf("%s: warning %q, want %q", row.in, warning, row.warning)
		}
		if !strings.HasPrefix(message(err), row.problem) || (err == nil) != (row.problem == "") {
			t.Errorf("%s: error %v, want %q", row.in, err, row.problem)
		}
	}
}

func TestFileWithSecretIsHeldToItsMode(t *testing.T) {
	for mode, want := range map[os.FileMode]struct{ warning, problem string }{
		0o600: {"", ""},
		0o644: {"dvproxy.yaml: contains a secret, and every account on this machine may read the file (mode 0644); if that is not meant: chmod o-r", ""},
		0o646: {"", "dvproxy.yaml: contains a secret, but every account on this machine may write to the file; take that away with: chmod o-w"},
	} {
		t.Chdir(t.TempDir())
		if err := os.WriteFile("dvproxy.yaml", []byte(ok), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod("dvproxy.yaml", mode); err != nil {
			t.Fatal(err)
		}
		c, err := Load(Source{Args: map[string]string{"config": "dvproxy.yaml"}, Getenv: func(string) string { return "" }})
		if message(err) != want.problem {
			t.Errorf("%o: error %v, want %s", mode, err, want.problem)
		}
		if err == nil && c.Warnings.Error() != want.warning {
			t.Errorf("%o: warnings %v, want %s", mode, c.Warnings, want.warning)
		}
	}
}
