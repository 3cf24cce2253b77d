package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"syscall"
)

// newCommand is the command to start, with standard streams of its own.
func (r *wrapper) newCommand(env []string) *exec.Cmd {
	return &exec.Cmd{Path: r.path, Args: r.args, Env: env, Stdin: r.stdin, Stdout: r.stdout, Stderr: r.stderr}
}

// cannotStart is the end of a run whose command cannot be, with the code that
// shells have for it.
func cannotStart(name string, err error) exitError {
	const notFound, notExecutable = 127, 126
	code := notExecutable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code = notFound
	}
	return exitError{code, fmt.Errorf("the command %q cannot be run: %w%s", name, innermost(err), toMend(name, err))}
}

// innermost is the reason without the paths around it.
func innermost(err error) error {
	var lookup *exec.Error
	if errors.As(err, &lookup) {
		err = lookup.Err
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err
}

// toMend says what to do where the system's words do not.
func toMend(name string, err error) string {
	var started *fs.PathError // by which the system could not start what was found
	switch isStart := errors.As(err, &started) && started.Op == "fork/exec"; {
	case errors.Is(err, exec.ErrDot):
		return fmt.Sprintf("; if that is what you mean, write .%c%s", filepath.Separator, name)
	case isStart && errors.Is(err, fs.ErrNotExist):
		return "; it is there, but the interpreter in its first line or the loader that it was linked for is not"
	case isStart && errors.Is(err, syscall.ENOEXEC):
		return "; a script needs a first line such as #!/bin/sh, and a program has to be made for this machine"
	}
	return ""
}
