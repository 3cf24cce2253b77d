package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestMan: every command that --help lists has a page, and the page names every
// flag that --help names.
func TestMan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"man", dir}, io.Discard, &stderr); code != exitOK {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	root := newRoot(io.Discard, io.Discard)
	pages := 0
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		if !cmd.IsAvailableCommand() {
			return
		}
		pages++
		text, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"))
		if err != nil {
			t.Error(err)
		}
		plain := strings.ReplaceAll(string(text), `\-`, "-")
		for line := range strings.Lines(cmd.LocalFlags().FlagUsages() + cmd.InheritedFlags().FlagUsages()) {
			if flag, _, _ := strings.Cut(strings.TrimSpace(line), "   "); !strings.Contains(plain, ".B "+flag+"\n") {
				t.Errorf("the page of %q does not say %q", cmd.CommandPath(), flag)
			}
		}
		for _, child := range cmd.Commands() {
			check(child)
		}
	}
	check(root)
	if pages < 13 {
		t.Errorf("looked at %d pages only", pages)
	}
}

func TestManUsage(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"man"}, io.Discard, &stderr); code != exitUsage {
		t.Errorf("man without a folder: exit code %d, want %d", code, exitUsage)
	}
	if want := "dvproxy: say which folder the man pages go to: dvproxy man DIR\n"; stderr.String() != want {
		t.Errorf("man without a folder says %q, want %q", stderr.String(), want)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code := run(t.Context(), []string{"man", file}, io.Discard, io.Discard); code != exitFailed {
		t.Errorf("man into a file: exit code %d, want %d", code, exitFailed)
	}
}
