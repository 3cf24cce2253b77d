package forward

import (
	"container/list"
	"context"
	"log/slog"
	"sync"
	"time"
)

// A Gate is where the requests of one environment wait while Dataverse's
// service protection keeps them out, and for a place among those that may be
// under way at one time. They leave it in the order in which they first came.
// It may outlive the [Proxy] that stands at it, so that the one which takes that
// one's place knows what Dataverse wants.
type Gate struct {
	log *slog.Logger

	mu     sync.Mutex // guards the fields below
	pause  pause
	limit  limit
	active int         // places taken
	last   uint64      // number that was given to a request
	queue  list.List   // of *waiter, by number
	wake   *time.Timer // looks at the queue when time alone may let somebody go
}

// A waiter is a request in the queue.
type waiter struct {
	number uint64
	ready  chan *place // has room for one
}

// NewGate returns a gate that lets most requests be upstream at one time; 0: any
// number, until Dataverse refuses one and names its limit. A nil log is none.
func NewGate(most int, log *slog.Logger) *Gate {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Gate{limit: newLimit(most), log: log}
}

// Limit sets what [NewGate] was given. What Dataverse has named stays, if it is
// still to be followed.
func (g *Gate) Limit(most int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := newLimit(most)
	if l.fixed == g.limit.fixed && (!l.fixed || l.most == g.limit.most) {
		return
	}
	l.epoch = g.limit.epoch + 1
	g.limit = l
	g.dispatch()
}

// pass takes a place, for which the request is held if need be. The error is a
// *stillHeld if that would be for too long.
func (g *Gate) pass(ctx context.Context, x *exchange) (*place, error) {
	p, reason := g.tryPass(x)
	if p != nil {
		return p, nil
	}
	err := x.hold(ctx, reason, func(ctx context.Context) (err error) {
		p, err = g.wait(ctx, x.number)
		return err
	})
	if err != nil && p != nil { // it was let go as its client went
		p.leave()
		p = nil
	}
	return p, err
}

// tryPass takes a place if nobody waits for one; else it says what for.
func (g *Gate) tryPass(x *exchange) (p *place, reason string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if x.number == 0 {
		g.last++
		x.number = g.last
	}
	now := time.Now()
	if g.queue.Len() == 0 {
		g.pause.end(now)
		if g.isOpen(now) {
			return g.take(), ""
		}
	}
	if g.pause.on {
		return nil, "throttled"
	}
	return nil, "concurrency"
}

// wait takes a place when all who came earlier have theirs.
func (g *Gate) wait(ctx context.Context, number uint64) (*place, error) {
	w := &waiter{number, make(chan *place, 1)}
	g.mu.Lock()
	at := g.enqueue(w)
	g.dispatch()
	g.mu.Unlock()
	select {
	case p := <-w.ready:
		return p, nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dispatch()
	select {
	case p := <-w.ready: // in the same moment
		return p, nil
	default:
	}
	g.queue.Remove(at)
	now := time.Now()
	return nil, &stillHeld{paused: g.pause.isClosed(now), wait: g.pause.left(now)}
}

// enqueue puts a request behind all that came before it. One that is to be sent
// again has an early number. Callers hold mu.
func (g *Gate) enqueue(w *waiter) *list.Element {
	for at := g.queue.Back(); at != nil; at = at.Prev() {
		if at.Value.(*waiter).number < w.number {
			return g.queue.InsertAfter(w, at)
		}
	}
	return g.queue.PushFront(w)
}

// dispatch lets go whoever may, and has itself called again if that will
// change with time. Callers hold mu.
func (g *Gate) dispatch() {
	now := time.Now()
	g.limit.probe(now, g.queue.Len() > 0)
	for g.queue.Len() > 0 && g.isOpen(now) {
		g.queue.Remove(g.queue.Front()).(*waiter).ready <- g.take()
	}
	if g.queue.Len() == 0 {
		g.pause.end(now)
		return
	}
	if next := g.pause.next(now); next > 0 {
		if g.wake == nil {
			g.wake = time.AfterFunc(next, g.look)
		} else {
			g.wake.Reset(next)
		}
	}
}

func (g *Gate) look() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dispatch()
}

// shut lets nobody go for as long as a refusal says, and not more at one time
// than it says. It returns for how long from now that is.
func (g *Gate) shut(r *refusal, epoch int) time.Duration {
	g.mu.Lock()
	now := time.Now()
	paused := g.pause.begin(now, r.wait)
	limited := r.code == codeConcurrent && g.limit.refused(epoch, r.named(), now)
	left, most, active := g.pause.left(now), g.limit.most, g.active
	g.mu.Unlock()
	if paused {
		g.log.Warn("throttled", slog.String("code", r.code), slog.Duration("retry_after", r.wait), slog.Int("under_way", active))
	}
	if limited {
		g.log.Warn("concurrency limited", slog.Int("limit", most))
	}
	return left
}

// isOpen says whether one more may go. Callers hold mu.
func (g *Gate) isOpen(now time.Time) bool {
	return g.limit.allows(g.active) && g.pause.allows(now, g.queue.Len())
}

// take takes a place. Callers hold mu.
func (g *Gate) take() *place {
	g.active++
	g.pause.released++
	return &place{gate: g, epoch: g.limit.epoch}
}

// isPaused says whether service protection lets nobody go.
func (g *Gate) isPaused() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pause.isClosed(time.Now())
}
