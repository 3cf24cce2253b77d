// Command dvproxy is a local reverse proxy in front of Microsoft Dataverse
// that adds a bearer token to each request, from a cache that renews ahead of
// expiry, so that a client that knows nothing of tokens never sees a 401.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // at run time
	exitUsage  = 2 // wrong usage or configuration: nothing was started
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// A usageError is a mistake in the command line or the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the program, but for the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	var own exitError
	if errors.As(err, &own) {
		if own.err != nil {
			fmt.Fprintln(stderr, "dvproxy:", own.err)
		}
		return own.code
	}
	fmt.Fprintln(stderr, "dvproxy:", err)
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	return exitFailed
}
