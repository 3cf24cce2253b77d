package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What is of the past may end in its time, but does not keep the process once that
// is over: not even what does not notice.
func TestThePastDoesNotKeepTheProcess(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(cut, never context.Context) error // and why it ended
		want time.Duration
		why  error
	}{
		{"in its time", func(context.Context, context.Context) error { time.Sleep(10 * time.Second); return nil }, 10 * time.Second, nil},
		{"cut off", func(cut, _ context.Context) error { <-cut.Done(); return context.Cause(cut) }, time.Minute, context.DeadlineExceeded},
		{"deaf", func(_, never context.Context) error { <-never.Done(); return nil }, time.Minute + drainGrace, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPast()
				never, release := context.WithCancel(t.Context())
				defer release()
				var why error
				p.finish(func(cut context.Context) { why = row.end(cut, never) })
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				began := time.Now()
				p.end(ctx)
				if took := time.Since(began); took != row.want || !errors.Is(why, row.why) {
					t.Errorf("waited %v, ended by %v; want %v, %v", took, why, row.want, row.why)
				}
			})
		})
	}
}
