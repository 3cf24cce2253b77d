package main

import (
	"bytes"
	"io/fs"
	"path/filepath"
	"testing"
)

// One round of all faults, and the restarts before it: a little over a minute.
// The order of the faults is that of the seed, which the report names.
// "make soak SOAK=60s SOAKFLAGS='-seed 1'" is the same by hand.
func TestOneRound(t *testing.T) {
	args := []string{"--duration", "60s", "--seed", "1"}
	if raceDetector {
		args = append(args, "--race")
	}
	keeps(t, args...)
}

// "make soak SOAKFLAGS='-cuts 100000'" is the same for longer.
func TestCuts(t *testing.T) { keeps(t, "--cuts", "800", "--seed", "1") }

// keeps wants a run in which every promise was kept.
func keeps(t *testing.T, args ...string) {
	t.Helper()
	dependOn(t, "../../cmd", "../../internal")
	var report bytes.Buffer
	if code := run(t.Context(), args, &report, &report); code != exitOK {
		t.Errorf("soak %q ended with %d:\n%s", args, code, &report)
	}
}

// dependOn lets go test know what dvproxy is built from: it reuses the result
// of an earlier run unless a folder has changed that the test has opened.
func dependOn(t *testing.T, roots ...string) {
	t.Helper()
	for _, root := range roots {
		if err := filepath.WalkDir(root, func(_ string, _ fs.DirEntry, err error) error { return err }); err != nil {
			t.Fatal(err)
		}
	}
}
