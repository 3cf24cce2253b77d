package main

import (
	"sync"
	"time"

	"dvproxy/internal/forward"
)

// An activity knows how long no request for Dataverse has been in flight. It
// begins to count when the first one has ended, so that a job that is slow to
// start is not abandoned.
type activity struct {
	idle func() // is called once the limit is reached

	mu       sync.Mutex // guards the fields below
	limit    time.Duration
	inFlight int
	since    time.Time // when the latest one ended, if none is in flight
	timer    *time.Timer
}

// newActivity calls idle once a limit is set and reached.
func newActivity(idle func()) *activity { return &activity{idle: idle} }

// set sets the limit; 0 is none.
func (a *activity) set(limit time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.limit = limit
	a.watch()
}

func (a *activity) began() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inFlight++
	if a.timer != nil {
		a.timer.Stop()
	}
}

func (a *activity) ended() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.inFlight--; a.inFlight == 0 {
		a.since = time.Now()
		a.watch()
	}
}

// watch looks when the limit may be reached. Callers hold mu.
func (a *activity) watch() {
	if a.limit == 0 || a.inFlight > 0 || a.since.IsZero() {
		return
	}
	left := max(0, a.limit-time.Since(a.since))
	if a.timer == nil {
		a.timer = time.AfterFunc(left, a.look)
	} else {
		a.timer.Reset(left)
	}
}

// look is called when the timer fires, maybe just as a request came.
func (a *activity) look() {
	a.mu.Lock()
	reached := a.limit > 0 && a.inFlight == 0 && time.Since(a.since) >= a.limit
	a.mu.Unlock()
	if reached {
		a.idle()
	}
}

// observer lets the activity know what o is told.
func (a *activity) observer(o forward.Observer) forward.Observer { return watched{o, a} }

type watched struct {
	forward.Observer
	activity *activity
}

// Started implements [forward.Observer].
func (w watched) Started() {
	w.activity.began()
	w.Observer.Started()
}

// Finished implements [forward.Observer].
func (w watched) Finished(method string, status int, took time.Duration) {
	w.Observer.Finished(method, status, took)
	w.activity.ended()
}
