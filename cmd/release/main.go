// Command release makes what a release of dvproxy consists of: archives,
// packages, lists of what is in them and their sums, from one source always the
// same bytes. See --help and deploy/packages/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program, but for the process around it. It returns the exit code:
// 0, 1 for a release that could not be made, 2 for wrong usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "sbom" {
		return end(runSBOM(args[1:], stdout, stderr), stderr)
	}
	s, err := parse(args, stderr)
	if err == nil {
		err = s.run(ctx, stdout)
	}
	return end(err, stderr)
}

// A usageError is a mistake in the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func end(err error, stderr io.Writer) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, new(usageError)):
		fmt.Fprintln(stderr, "release:", err)
		return 2
	default:
		fmt.Fprintln(stderr, "release:", err)
		return 1
	}
}
