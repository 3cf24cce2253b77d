package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The code is a shell's, and the words say what to mend where the system's do not.
func TestCannotStart(t *testing.T) {
	for name, row := range map[string]struct {
		in   error
		code int
		want string
	}{
		"not found":      {&exec.Error{Name: "x", Err: exec.ErrNotFound}, 127, "executable file not found"},
		"no such path":   {&exec.Error{Name: "./x", Err: &fs.PathError{Op: "stat", Path: "./x", Err: fs.ErrNotExist}}, 127, "cannot be run: file does not exist"},
		"beside":         {&exec.Error{Name: "x", Err: exec.ErrDot}, 126, fmt.Sprintf("write .%cx", filepath.Separator)},
		"no interpreter": {&fs.PathError{Op: "fork/exec", Path: "./x", Err: syscall.ENOENT}, 127, "it is there, but the interpreter"},
		"no program":     {&fs.PathError{Op: "fork/exec", Path: "./x", Err: syscall.ENOEXEC}, 126, "#!/bin/sh"},
		"no permission":  {&fs.PathError{Op: "fork/exec", Path: "./x", Err: syscall.EACCES}, 126, "cannot be run: permission denied"},
		"anything else":  {errors.New("no memory"), 126, "cannot be run: no memory"},
	} {
		got := cannotStart("x", row.in)
		if got.code != row.code || !strings.Contains(got.err.Error(), row.want) || !errors.Is(got.err, innermost(row.in)) {
			t.Errorf("%s: %d, %v; want %d, %q", name, got.code, got.err, row.code, row.want)
		}
	}
}
