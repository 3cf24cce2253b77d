package main

import (
	"slices"
	"testing"
)

// samples are of so many rounds whose memory, in KiB, is f's.
func samples(rounds int, f func(round int) int64) (all []usage) {
	for n := range rounds + 1 {
		all = append(all, usage{memory: f(n) << 10, goroutines: 30, descriptors: 20})
	}
	return all
}

func TestGrown(t *testing.T) {
	noise := func(n int) int64 { return int64(n*7%5) * 700 }
	leak := slices.Repeat([]usage{{memory: 20 << 20, goroutines: 30, descriptors: 20}}, 2)
	leak[1] = usage{memory: 60 << 20, goroutines: 100, descriptors: 80}
	for name, tt := range map[string]struct {
		samples []usage
		race    bool
		want    int // complaints
	}{
		"all of it, in one round":    {leak, false, 3},
		"with the race detector":     {leak, true, 2},
		"pools of the first round":   {samples(12, func(n int) int64 { return 10_000 + 20_000*int64(min(n, 1)) }), false, 0},
		"noise":                      {samples(24, func(n int) int64 { return 20_000 + noise(n) }), false, 0},
		"a leak of 1% a round":       {samples(24, func(n int) int64 { return 20_000 + 200*int64(n) + noise(n) }), false, 1},
		"less memory at the end":     {samples(24, func(n int) int64 { return 40_000 - 500*int64(n) }), false, 0},
		"a few rounds: no drift yet": {samples(3, func(n int) int64 { return 20_000 + 2_000*int64(n) }), false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := spanOf(tt.samples, tt.race).grown(); len(got) != tt.want {
				t.Errorf("complaints %q, want %d", got, tt.want)
			}
		})
	}
}
