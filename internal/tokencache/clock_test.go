package tokencache_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/tokencache"
)

func TestSuspendedMachine(t *testing.T) {
	s := &fakeSource{}
	skewed(t, s, func(t *testing.T, c *tokencache.Cache, clock *skewedClock) {
		warm(t, c)
		clock.stepWall(8 * time.Hour) // and no timer has moved
		if token, ok := c.Live(); ok {
			t.Errorf("%s is handed out after 8 h of suspend", token)
		}
		if token := warm(t, c); token != "t2" {
			t.Errorf("first token after the suspend is %s, want t2", token)
		}
	})
}

// Nobody asks, and yet there is a new token soon after the machine woke up.
func TestSuspendIsNoticedWithoutARequest(t *testing.T) {
	s := &fakeSource{}
	skewed(t, s, func(t *testing.T, c *tokencache.Cache, clock *skewedClock) {
		warm(t, c)
		clock.stepWall(8 * time.Hour)
		time.Sleep(1001 * time.Millisecond)
		synctest.Wait()
		if token := mustToken(t, c); token != "t2" {
			t.Errorf("token %s, want t2", token)
		}
	})
}

func TestWallClockSetBack(t *testing.T) {
	fetch := func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if n > 1 {
			return nil, fakeError{}
		}
		return issue(n, time.Hour), nil
	}
	skewed(t, &fakeSource{fetch: fetch}, func(t *testing.T, c *tokencache.Cache, clock *skewedClock) {
		warm(t, c)
		clock.stepWall(-24 * time.Hour)
		mustToken(t, c)
		time.Sleep(time.Hour)
		if token, ok := c.Live(); ok {
			t.Errorf("%s is alive an hour later, by the wall clock alone", token)
		}
	})
}

// A wall clock that was ahead when the token was issued, and was set right
// since, does not show that the machine was suspended. Its uptime does.
func TestSuspendAfterTheWallClockWasSetBack(t *testing.T) {
	var suspended atomic.Int64
	uptime := func() (string, time.Duration) {
		return "a", time.Since(time.Unix(0, 0)) + time.Duration(suspended.Load())
	}
	var clock skewedClock
	s := &fakeSource{}
	inBubble(t, s, tokencache.Options{Clock: clock.now, Uptime: uptime}, func(t *testing.T, c *tokencache.Cache) {
		warm(t, c)
		clock.stepWall(-24 * time.Hour)
		clock.stepWall(8 * time.Hour)
		suspended.Add(int64(8 * time.Hour))
		time.Sleep(1001 * time.Millisecond) // until the next look at the clocks
		synctest.Wait()
		if token := mustToken(t, c); token != "t2" {
			t.Errorf("token %s, want t2", token)
		}
		time.Sleep(10 * time.Minute)
		if s.calls() != 2 {
			t.Errorf("%d fetches, want 2", s.calls())
		}
	})
}

func TestClockStepsMakeNoStorm(t *testing.T) {
	s := &fakeSource{}
	skewed(t, s, func(t *testing.T, c *tokencache.Cache, clock *skewedClock) {
		warm(t, c)
		steps := []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour}
		for _, step := range steps {
			clock.stepWall(step)
			for range 100 {
				time.Sleep(100 * time.Millisecond)
				warm(t, c)
			}
		}
		if got := s.calls(); got > 1+len(steps) {
			t.Errorf("%d fetches for %d steps of the clock, want one a step at most", got, len(steps))
		}
	})
}

// A suspend in the middle of a backoff does not lengthen it.
func TestSuspendEndsABackoff(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	s := &fakeSource{}
	s.fetch = func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if down.Load() {
			return nil, fakeError{}
		}
		return issue(n, time.Hour), nil
	}
	skewed(t, s, func(t *testing.T, c *tokencache.Cache, clock *skewedClock) {
		time.Sleep(5 * time.Minute) // backoff is at a minute by now
		down.Store(false)
		clock.stepWall(time.Hour)
		time.Sleep(1001 * time.Millisecond)
		synctest.Wait()
		mustToken(t, c)
	})
}

// skewed is inBubble with a clock of the test's own.
func skewed(t *testing.T, s *fakeSource, f func(*testing.T, *tokencache.Cache, *skewedClock)) {
	t.Helper()
	var clock skewedClock
	o := tokencache.Options{Clock: clock.now}
	inBubble(t, s, o, func(t *testing.T, c *tokencache.Cache) { f(t, c, &clock) })
}
