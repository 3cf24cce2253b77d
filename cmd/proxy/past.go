package main

import (
	"context"
	"sync"
	"time"
)

// A past is what earlier configurations have made and what is still in use.
type past struct {
	cut     context.Context // done once nothing may go on
	hurry   context.CancelCauseFunc
	running *sync.WaitGroup
}

func newPast() past {
	cut, hurry := context.WithCancelCause(context.Background())
	return past{cut, hurry, new(sync.WaitGroup)}
}

// finish lets something end in its own time, but for the end of the process.
func (p past) finish(end func(cut context.Context)) {
	p.running.Go(func() { end(p.cut) })
}

// end waits until all has ended. When ctx ends it cuts off what has not, and waits
// no longer than it takes to notice.
func (p past) end(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		p.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return
	case <-ctx.Done():
	}
	p.hurry(context.Cause(ctx))
	select {
	case <-ended:
	case <-time.After(drainGrace):
	}
}
