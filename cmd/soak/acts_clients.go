package main

import (
	"context"
	"strings"
	"time"

	"dvproxy/internal/simulator"
)

// clientActs are what clients do.
func clientActs() []act {
	return []act{
		{name: "clients leave", last: short, do: leave},
		{name: "stalled uploads", last: short, do: stall},
	}
}

// leave sends writes whose client hangs up soon.
func leave(ctx context.Context, st *stage) error {
	if err := st.tenant.FailDataverse(simulator.Fault{Kind: simulator.FaultDelay, Delay: 200 * time.Millisecond, Count: 4}); err != nil {
		return err
	}
	for n := range 8 {
		impatient, cancel := context.WithTimeout(ctx, time.Duration(20+30*n)*time.Millisecond)
		st.write(impatient, st.create("leaves"))
		cancel()
	}
	return nil
}

// stall sends bodies that pause half way, and then go on or end in an error.
func stall(ctx context.Context, st *stage) error {
	for _, goesOn := range []bool{true, false, true} {
		w := st.create("stalls")
		half := len(w.body) / 2
		w.stream = func() *stalled {
			return &stalled{first: strings.NewReader(w.body[:half]), second: strings.NewReader(w.body[half:]), goesOn: goesOn, ctx: ctx, st: st}
		}
		w.leaves = !goesOn
		st.write(ctx, w)
	}
	return nil
}
