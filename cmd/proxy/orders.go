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

// orders are what a process that serves is told from outside.
type orders struct {
	told   context.Context // done once it is to end; its cause says why
	atOnce context.Context // done once it is to end without waiting for anything
	reload <-chan struct{} // has one for each time that the configuration is to be read again
}

// ordersBySignal returns what signals ask: SIGINT and SIGTERM to end, the second
// of them at once, and SIGHUP to read the configuration again. It is told to end
// if ctx is done too. Nothing is left of the signals' own way of ending a
// process until release is called.
func ordersBySignal(ctx context.Context) (o orders, release func()) {
	c := make(chan os.Signal, 4)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	told, tell := context.WithCancelCause(context.WithoutCancel(ctx))
	atOnce, hurry := context.WithCancelCause(context.WithoutCancel(ctx))
	reload := make(chan struct{}, 1) // one more makes no difference to one that has not begun
	if ctx.Err() != nil {
		tell(context.Cause(ctx)) // by a signal that came before we listened
	}
	go func() {
		for sig := range c {
			switch {
			case sig == syscall.SIGHUP:
				select {
				case reload <- struct{}{}:
				default:
				}
			case told.Err() != nil:
				hurry(errAtOnce)
				return
			default:
				tell(fmt.Errorf("signal %v", sig))
			}
		}
	}()
	return orders{told, atOnce, reload}, func() {
		signal.Stop(c)
		close(c)
		tell(nil)
		hurry(nil)
	}
}
