package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errAtOnce is the end of a process that did not wait for what was in flight.
var errAtOnce = errors.New("a second signal: stopped at once, without waiting for what was in flight")

// orders are what a process that serves is told from outside.
type orders struct {
	told   context.Context // done once it is to end; its cause says why
	atOnce context.Context // done once it is to end without waiting for anything
	reload <-chan struct{} // has one for each time that the configuration is to be read again
}

// A burst is how long the same order may take to come twice: timeout(1) sends its
// signal to the process and then to the group that it is in, and so does a parent
// that passes on the Ctrl-C which the terminal has sent to all. Nobody means "at
// once" by that.
const burst = 25 * time.Millisecond

// ordersBySignal returns what signals ask: SIGINT and SIGTERM to end, a second
// one that is no part of the same burst at once, and SIGHUP to read the
// configuration again. It is told to end if ctx is done too. Nothing is left of
// the signals' own way of ending a process until release is called.
func ordersBySignal(ctx context.Context) (o orders, release func()) {
	c := make(chan os.Signal, 4)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	o, forget := ordersFrom(ctx, c)
	return o, func() {
		signal.Stop(c)
		close(c)
		forget()
	}
}

// ordersFrom returns what the signals in c ask, until that is closed.
func ordersFrom(ctx context.Context, c <-chan os.Signal) (o orders, forget func()) {
	told, tell := context.WithCancelCause(context.WithoutCancel(ctx))
	atOnce, hurry := context.WithCancelCause(context.WithoutCancel(ctx))
	reload := make(chan struct{}, 1) // one more makes no difference to one that has not begun
	var first time.Time
	if ctx.Err() != nil {
		first = time.Now()
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
			case told.Err() == nil:
				first = time.Now()
				tell(fmt.Errorf("signal %v", sig))
			case time.Since(first) > burst:
				hurry(errAtOnce)
				return
			}
		}
	}()
	return orders{told, atOnce, reload}, func() {
		tell(nil)
		hurry(nil)
	}
}
