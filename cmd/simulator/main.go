// Command simulator runs a stand-in tenant, Entra and Dataverse, on this
// machine. See --help, and package dvproxy/internal/simulator for what it
// imitates and for the calls of the control endpoint.
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

	"dvproxy/internal/simulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx is done and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stdout, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	var tenant *simulator.Tenant
	if err == nil {
		tenant, err = s.tenant()
	}
	if err != nil {
		fmt.Fprintf(stderr, "simulator: %v\n", err)
		return exitUsage
	}
	server, err := tenant.Listen(s.listen)
	if err != nil {
		fmt.Fprintf(stderr, "simulator: %v\n", err)
		return exitFailed
	}
	defer server.Close()
	if err := announce(stdout, server, s.asJSON); err != nil {
		fmt.Fprintf(stderr, "simulator: write where it listens: %v\n", err)
		return exitFailed
	}
	if err := server.Wait(ctx); err != nil {
		fmt.Fprintf(stderr, "simulator: serve: %v\n", err)
		return exitFailed
	}
	return exitOK
}
