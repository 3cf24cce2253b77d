// Command demo shows what dvproxy is for: the same overnight push, longer than
// a token's life, runs twice side by side, straight to a simulated Dataverse and
// through dvproxy. See --help.
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

// Exit codes.
const (
	exitOK          = 0
	exitBroken      = 1 // a promise was broken, or the demo could not run
	exitUsage       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is the program, but for the process around it.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	s, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "demo: %v\n", err)
		return exitUsage
	}
	st, err := newStage(ctx, s.tokenLifetime)
	if err == nil {
		defer st.close()
		var code int
		if code, err = perform(ctx, st, s, newDisplay(stdout, getenv)); err == nil {
			return code
		}
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "demo: %v\n", err)
	return exitBroken
}
