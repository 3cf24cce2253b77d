package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
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
	var reason *exec.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &reason):
		err = reason.Err
	case errors.As(err, &path):
		err = path.Err
	}
	return exitError{code, fmt.Errorf("the command %q cannot be run: %w", name, err)}
}
