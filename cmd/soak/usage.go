package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// usage is what a process holds. Below 0 is unknown: only Linux tells.
type usage struct {
	memory      int64 // resident, in bytes
	goroutines  int
	descriptors int
}

// Growth beyond these is a leak. They leave room for what a pool of connections
// keeps, and a garbage collector over one round; over many rounds it evens out,
// and drift counts. The race detector takes memory of its own.
const (
	moreGoroutines  = 40
	moreDescriptors = 24
	moreMemory      = 24 << 20 // within one round
	moreMemoryRace  = 160 << 20
	driftRounds     = 9    // from so many on, memory is judged by its drift
	mostDrift       = 0.05 // of what there was
)

func (p *program) usage(ctx context.Context) (usage, error) {
	text, err := p.metrics(ctx)
	if err != nil {
		return usage{}, fmt.Errorf("read the metrics: %w", err)
	}
	u := usage{memory: -1, descriptors: -1, goroutines: int(sum(text, "go_goroutines"))}
	proc := filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid))
	if names, err := os.ReadDir(filepath.Join(proc, "fd")); err == nil {
		u.descriptors = len(names)
	}
	if status, err := os.ReadFile(filepath.Join(proc, "status")); err == nil { //nolint:gosec // a process of ours
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		if fields := strings.Fields(rest); len(fields) > 0 {
			kib, _ := strconv.ParseInt(fields[0], 10, 64)
			u.memory = kib << 10
		}
	}
	return u, nil
}

// sum adds up the samples of a metric.
func sum(metrics, name string) (total float64) {
	for line := range strings.Lines(metrics) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		fields := strings.Fields(rest)
		value, _ := strconv.ParseFloat(fields[len(fields)-1], 64)
		total += value
	}
	return total
}

// A span is what dvproxy held at the ends of rounds: the first third of them,
// and the last. A median says more than a look at one moment, since memory
// comes and goes by some MiB with each collection.
type span struct {
	start, end usage
	rounds     int
	race       bool
}

// spanOf is that of samples: one before the first round, and one after each.
// What the first round leaves, such as pools, is no leak, if there are others.
func spanOf(samples []usage, race bool) span {
	s := span{rounds: len(samples) - 1, race: race}
	if s.rounds > 1 {
		samples = samples[1:]
	}
	third := max(1, len(samples)/3)
	s.start, s.end = median(samples[:third]), median(samples[len(samples)-third:])
	return s
}

func median(of []usage) usage {
	memory, goroutines, descriptors := make([]int64, len(of)), make([]int, len(of)), make([]int, len(of))
	for i, u := range of {
		memory[i], goroutines[i], descriptors[i] = u.memory, u.goroutines, u.descriptors
	}
	slices.Sort(memory)
	slices.Sort(goroutines)
	slices.Sort(descriptors)
	m := len(of) / 2
	return usage{memory: memory[m], goroutines: goroutines[m], descriptors: descriptors[m]}
}

// room is how much more memory is no leak.
func (s span) room() int64 {
	switch {
	case s.race:
		return moreMemoryRace
	case s.rounds >= driftRounds:
		return int64(mostDrift * float64(s.start.memory))
	}
	return moreMemory
}

// drift is the growth of memory in percent.
func (s span) drift() float64 {
	return 100 * (float64(s.end.memory)/float64(s.start.memory) - 1)
}

// grown says what has grown beyond the bounds.
func (s span) grown() (what []string) {
	if s.end.goroutines > s.start.goroutines+moreGoroutines {
		what = append(what, fmt.Sprintf("goroutines grew from %d to %d", s.start.goroutines, s.end.goroutines))
	}
	if s.end.descriptors > s.start.descriptors+moreDescriptors {
		what = append(what, fmt.Sprintf("descriptors grew from %d to %d", s.start.descriptors, s.end.descriptors))
	}
	if s.end.memory > s.start.memory+s.room() {
		what = append(what, fmt.Sprintf("memory grew from %s to %s", mib(s.start.memory), mib(s.end.memory)))
	}
	return what
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
