package main

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A signal that comes twice in a burst is one, as timeout(1) sends it; one that
// somebody sends again ends the process at once.
func TestOrdersFromSignals(t *testing.T) {
	type at struct {
		after time.Duration // the one before
		sig   os.Signal
	}
	for name, row := range map[string]struct {
		in           []at
		told, atOnce bool
		reloads      int
	}{
		"none":                       {},
		"one":                        {in: []at{{0, syscall.SIGTERM}}, told: true},
		"twice at once":              {in: []at{{0, syscall.SIGTERM}, {0, syscall.SIGTERM}}, told: true},
		"a burst of two kinds":       {in: []at{{0, os.Interrupt}, {burst / 2, syscall.SIGTERM}}, told: true},
		"a second one":               {in: []at{{0, syscall.SIGTERM}, {2 * burst, syscall.SIGTERM}}, told: true, atOnce: true},
		"a second one after a burst": {in: []at{{0, os.Interrupt}, {0, os.Interrupt}, {2 * burst, os.Interrupt}}, told: true, atOnce: true},
		"reloads":                    {in: []at{{0, syscall.SIGHUP}, {0, syscall.SIGHUP}}, reloads: 1},
		"a reload is no second one":  {in: []at{{0, syscall.SIGTERM}, {2 * burst, syscall.SIGHUP}}, told: true, reloads: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := make(chan os.Signal)
				o, forget := ordersFrom(t.Context(), c)
				defer forget()
				defer close(c)
				for _, s := range row.in {
					time.Sleep(s.after)
					c <- s.sig
				}
				synctest.Wait()
				if told, atOnce := o.told.Err() != nil, o.atOnce.Err() != nil; told != row.told || atOnce != row.atOnce || len(o.reload) != row.reloads {
					t.Errorf("told %v, at once %v, %d reloads", told, atOnce, len(o.reload))
				}
			})
		})
	}
}

// A signal that came before anybody listened counts as the first.
func TestOrdersOfBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("signal terminated")
		cancel(why)
		c := make(chan os.Signal)
		o, forget := ordersFrom(ctx, c)
		defer forget()
		defer close(c)
		c <- syscall.SIGTERM
		synctest.Wait()
		if !errors.Is(context.Cause(o.told), why) || o.atOnce.Err() != nil {
			t.Errorf("told %v, at once %v", context.Cause(o.told), o.atOnce.Err())
		}
	})
}

// Nor does a command get one twice, unless somebody sends it again.
func TestBurstsOfSignalsArePassedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &signals{}
		var got []syscall.Signal
		s.each(func(n syscall.Signal) { got = append(got, n) })
		send := func(all ...syscall.Signal) {
			for _, n := range all {
				s.got(n)
			}
			time.Sleep(2 * burst)
		}
		send(syscall.SIGTERM, syscall.SIGTERM)
		send(syscall.SIGTERM)
		send(syscall.SIGINT, syscall.SIGTERM)
		send(syscall.SIGHUP, syscall.SIGHUP)
		want := []syscall.Signal{syscall.SIGTERM, syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGHUP}
		if !slices.Equal(got, want) {
			t.Errorf("passed %v, want %v", got, want)
		}
	})
}
