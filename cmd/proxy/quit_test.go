package main

import (
	"io"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/config"
)

// The time without a request counts from the end of the last one, and not
// before the first.
func TestActivity(t *testing.T) {
	const limit = time.Minute
	synctest.Test(t, func(t *testing.T) {
		var idle atomic.Int32
		a := newActivity(func() { idle.Add(1) })
		a.set(limit)
		want := func(when string, n int32) {
			t.Helper()
			synctest.Wait()
			if got := idle.Load(); got != n {
				t.Errorf("%s: idle %d times, want %d", when, got, n)
			}
		}
		time.Sleep(10 * limit)
		want("before the first request", 0)
		a.began()
		time.Sleep(2 * limit)
		a.began()
		a.ended()
		time.Sleep(2 * limit)
		want("with one in flight", 0)
		a.ended()
		time.Sleep(limit - time.Second)
		want("a second before the limit", 0)
		a.began()
		a.ended()
		time.Sleep(limit - time.Second)
		want("a second before the limit, after another", 0)
		time.Sleep(time.Second)
		want("at the limit", 1)
	})
}

// A limit that is set, changed or taken away counts the time that has passed.
func TestActivityLimitChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var idle atomic.Int32
		a := newActivity(func() { idle.Add(1) })
		a.set(time.Hour)
		a.began()
		a.ended()
		a.set(0)
		time.Sleep(2 * time.Hour)
		a.began()
		a.set(time.Minute)
		time.Sleep(time.Hour)
		if idle.Load() != 0 {
			t.Error("idle without a limit, or with a request in flight")
		}
		a.ended()
		time.Sleep(30 * time.Second)
		a.set(31 * time.Second)
		time.Sleep(2 * time.Second)
		if idle.Load() != 1 {
			t.Errorf("idle %d times 32 s after the last request, want once", idle.Load())
		}
	})
}

// drain.delay is for those who tell dvproxy to stop, not for its own idea.
func TestDelay(t *testing.T) {
	for name, row := range map[string]struct {
		why  error
		want time.Duration
	}{"quit": {errQuit, time.Minute}, "idle": {errIdle, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{setup: &setup{config: &config.Config{Drain: config.Drain{Delay: time.Minute}}}, log: newLogger(io.Discard, config.Log{}), leave: newDeparture()}
				s.leave.tell(row.why)
				begin := time.Now()
				if err := s.untilTold(orders{told: t.Context(), atOnce: t.Context()}); err != nil {
					t.Error(err)
				}
				if got := time.Since(begin); got != row.want {
					t.Errorf("it served on for %v, want %v", got, row.want)
				}
			})
		})
	}
}

// A signal that nobody deals with yet is kept for who does next.
func TestSignalsAreKept(t *testing.T) {
	s := &signals{}
	var got []syscall.Signal
	note := func(n syscall.Signal) { got = append(got, n) }
	s.got(syscall.SIGTERM)
	stop := s.each(note)
	s.got(syscall.SIGINT)
	stop()
	s.got(syscall.SIGHUP)
	if want := 2; len(got) != want {
		t.Errorf("got %v, want %d", got, want)
	}
	s.each(note)
	if len(got) != 3 || got[0] != syscall.SIGTERM || got[2] != syscall.SIGHUP {
		t.Errorf("got %v", got)
	}
}
