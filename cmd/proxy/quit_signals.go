package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// errAtOnce is the end of a process that did not wait for what was in flight.
var errAtOnce = errors.New("a second signal: stopped at once, without waiting for what was in flight")

// endings returns a context that is done once a signal asks the process to end,
// with a cause that names it, and one that is done at the second such signal.
// The first is done too if ctx is. Nothing is left of the second's own way of
// ending a process until release is called.
func endings(ctx context.Context) (told, atOnce context.Context, release func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	told, tell := context.WithCancelCause(context.WithoutCancel(ctx))
	atOnce, hurry := context.WithCancelCause(context.WithoutCancel(ctx))
	if ctx.Err() != nil {
		tell(context.Cause(ctx)) // by a signal that came before we listened
	}
	go func() {
		for sig := range c {
			if told.Err() != nil {
				hurry(errAtOnce)
				return
			}
			tell(fmt.Errorf("signal %v", sig))
		}
	}()
	return told, atOnce, func() {
		signal.Stop(c)
		close(c)
		tell(nil)
		hurry(nil)
	}
}
