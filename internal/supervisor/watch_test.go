package supervisor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a process that a systemd watches, in a bubble.
type watched struct {
	alive  func(context.Context) error
	signs  []time.Duration // when there were signs of life
	errors []error         // that were reported
}

func (w *watched) run(t *testing.T, period, length time.Duration) {
	t.Helper()
	begin := time.Now()
	s := &Systemd{period: period, send: func(message string) error {
		if message != "WATCHDOG=1" {
			t.Errorf("sent %q", message)
		}
		w.signs = append(w.signs, time.Since(begin))
		return nil
	}}
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	s.Watch(ctx, w.alive, func(err error) { w.errors = append(w.errors, err) })
	if took := time.Since(begin); period > 0 && took != length {
		t.Errorf("it watched for %v, want %v", took, length)
	}
}

// longestGap is the longest time without a sign of life, up to the end.
func (w *watched) longestGap(end time.Duration) (gap time.Duration) {
	var last time.Duration
	for _, at := range append(w.signs, end) {
		gap = max(gap, at-last)
		last = at
	}
	return gap
}

const period = 30 * time.Second

func TestWatch(t *testing.T) {
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, row := range map[string]struct {
		alive  func(time.Duration, context.Context) error // told the time since the start
		killed bool                                       // a period passes without a sign
		errors int
	}{
		"well": {alive: func(time.Duration, context.Context) error { return nil }},
		"slow": {alive: func(time.Duration, context.Context) error { time.Sleep(period/2 - 1); return nil }},
		"once too slow": {alive: func(now time.Duration, ctx context.Context) error {
			if now > time.Minute && now < time.Minute+period/2 {
				return hang(ctx)
			}
			return nil
		}},
		"hangs for ever": {alive: func(now time.Duration, ctx context.Context) error {
			if now > time.Minute {
				return hang(ctx)
			}
			return nil
		}, killed: true, errors: 1},
		"answers wrongly": {alive: func(now time.Duration, _ context.Context) error {
			if now > time.Minute {
				return errors.New("status 500")
			}
			return nil
		}, killed: true, errors: 1},
		"twice in trouble": {alive: func(now time.Duration, _ context.Context) error {
			if at := now % time.Minute; at == period/2 {
				return errors.New("status 500")
			}
			return nil
		}, errors: 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const length = 5*time.Minute - 1
				begin := time.Now()
				w := &watched{alive: func(ctx context.Context) error { return row.alive(time.Since(begin), ctx) }}
				w.run(t, period, length)
				if gap := w.longestGap(length); (gap > period) != row.killed {
					t.Errorf("%v without a sign of life, of %v: %v", gap, period, w.signs)
				}
				if len(w.errors) != row.errors {
					t.Errorf("reported %v, want %d", w.errors, row.errors)
				}
			})
		})
	}
}

// Without WatchdogSec nobody asks, and nobody waits.
func TestNotWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{alive: func(context.Context) error { t.Error("asked"); return nil }}
		w.run(t, 0, time.Minute)
		(*Systemd)(nil).Watch(t.Context(), w.alive, nil)
	})
}
