package main

import (
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/admin"
	"dvproxy/internal/config"
)

// The time without a request counts from the end of the last one, and not
// before the first.
func TestActivity(t *testing.T) {
	const limit = time.Minute
	synctest.Test(t, func(t *testing.T) {
		var idle atomic.Int32
		a := newActivity(limit, func() { idle.Add(1) })
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

// No limit costs a request nothing.
func TestNoActivity(t *testing.T) {
	o := admin.NewMetrics("v1", "go1").Environment("a", func() admin.Token { return admin.Token{} }, func() (requests, responses uint64) { return 0, 0 })
	if got := newActivity(0, nil).observer(o); got != o {
		t.Errorf("the observer is a %T", got)
	}
}

// drain.delay is for those who tell dvproxy to stop, not for its own idea.
func TestDelay(t *testing.T) {
	for name, row := range map[string]struct {
		why  error
		want time.Duration
	}{"quit": {errQuit, time.Minute}, "idle": {errIdle, 0}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{config: &config.Config{Drain: config.Drain{Delay: time.Minute}}, log: slog.New(slog.DiscardHandler), leave: newDeparture(0)}
				s.leave.tell(row.why)
				begin := time.Now()
				if err := s.untilTold(t.Context(), t.Context(), nil); err != nil {
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
