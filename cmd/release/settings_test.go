package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		args string
		want string // of the error; "" for none
	}{
		{"-version v0.1.0", ""},
		{"-version v0.1.0-rc.1", ""},
		{"", ""},
		{"-version 0.1.0", `version "0.1.0" is none`},
		{"-version v0.1", `version "v0.1" is none`},
		{"-version v0.1.0+1", `version "v0.1.0+1" is none`},
		{"-version v01.0.0", `version "v01.0.0" is none`},
		{"v0.1.0", `unknown argument "v0.1.0"`},
	} {
		_, err := parse(strings.Fields(tt.args), io.Discard)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, new(usageError))) {
			t.Errorf("parse(%q): %v, want %q", tt.args, err, tt.want)
		}
	}
}

func TestChosen(t *testing.T) {
	if got, err := chosen("windows/arm64,linux/amd64"); err != nil || !slices.Equal(got, []platform{{"windows", "arm64"}, {"linux", "amd64"}}) {
		t.Errorf("chosen: %v, %v", got, err)
	}
	if got, err := chosen(""); err != nil || len(got) != 6 {
		t.Errorf("chosen of nothing: %v, %v", got, err)
	}
	if _, err := chosen("plan9/amd64"); !errors.As(err, new(usageError)) {
		t.Errorf("chosen of a platform that is none of ours: %v", err)
	}
}

// TestAsk asks repositories that say enough, too little or too much.
func TestAsk(t *testing.T) {
	for _, tt := range []struct {
		name    string
		state   string // a shell line, run in a repository with one commit
		version string
		epoch   string
		want    string // version and time, or what the error says
	}{
		{"a tag", "git tag v1.2.3", "", "", "v1.2.3 1700000000"},
		{"a version", "", "v2.0.0", "", "v2.0.0 1700000000"},
		{"a version and another tag", "git tag v1.2.3", "v2.0.0", "", "v2.0.0 1700000000"},
		{"a time", "", "v2.0.0", "1600000000", "v2.0.0 1600000000"},
		{"no tag", "", "", "", "make release VERSION=v0.1.0"},
		{"two tags", "git tag v1.2.3; git tag v1.2.4", "", "", "several tags: v1.2.3, v1.2.4"},
		{"a tag that is no version", "git tag v1", "", "", `version "v1" is none`},
		{"a change", "echo >>file", "v2.0.0", "", "no commit has"},
		{"a file that is not committed", "echo >other", "v2.0.0", "", "no commit has"},
		{"a wrong time", "", "v2.0.0", "now", `SOURCE_DATE_EPOCH is "now"`},
		{"no repository", "rm -rf .git", "v2.0.0", "1600000000", "v2.0.0 1600000000"},
		{"no repository and no time", "rm -rf .git", "v2.0.0", "", "git does not say which commit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("SOURCE_DATE_EPOCH", tt.epoch)
			r := release{source: repository(t, tt.state), version: tt.version}
			err := r.ask(t.Context(), false)
			got := r.version + " " + strconv.FormatInt(r.time.Unix(), 10)
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, tt.want) {
				t.Errorf("ask: %s, want %s", got, tt.want)
			}
		})
	}
}

// repository is one with a commit, in a state that a shell line makes.
func repository(t *testing.T, state string) string {
	t.Helper()
	dir := t.TempDir()
	// Nothing above the folder counts, nor does the user's own git.
	t.Setenv("GIT_CEILING_DIRECTORIES", dir)
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", "git init -q; echo >file; git add file; git -c user.name=a -c user.email=a@b commit -qm one; "+state)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE=@1700000000 +0000", "GIT_AUTHOR_DATE=@1600000000 +0000")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		want string // on standard error
	}{
		{"-help", 0, "Usage: go run ./cmd/release"},
		{"-version 1", 2, `release: version "1" is none`},
		{"-no-such-flag", 2, "no-such-flag"},
		{"sbom", 2, "say which program"},
		{"sbom no-such-file", 1, "no-such-file"},
		{"sbom settings_test.go", 1, "what Go's linker says"},
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(tt.args), io.Discard, &stderr); code != tt.code || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("release %s: exit code %d, want %d; said %q, want %q in it", tt.args, code, tt.code, stderr.String(), tt.want)
		}
	}
}
