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
	limit time.Duration
	idle  func() // is called once the limit is reached

	mu       sync.Mutex // guards the fields below
	inFlight int
	since    time.Time // when the latest one ended
	timer    *time.Timer
}

// newActivity calls idle after a limit above 0.
func newActivity(limit time.Duration, idle func()) *activity {
	return &activity{limit: limit, idle: idle}
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
	a.inFlight--
	a.since = time.Now()
	switch {
	case a.inFlight > 0:
	case a.timer == nil:
		a.timer = time.AfterFunc(a.limit, a.look)
	default:
		a.timer.Reset(a.limit)
	}
}

// look is called when the timer fires, maybe just as a request came.
func (a *activity) look() {
	a.mu.Lock()
	reached := a.inFlight == 0 && time.Since(a.since) >= a.limit
	a.mu.Unlock()
	if reached {
		a.idle()
	}
}

// observer lets the activity know what o is told; with no limit it is o.
func (a *activity) observer(o forward.Observer) forward.Observer {
	if a.limit == 0 {
		return o
	}
	return watched{o, a}
}

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
