package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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
// and a garbage collector keep; the race detector takes memory of its own.
const (
	moreGoroutines  = 40
	moreDescriptors = 24
	moreMemory      = 24 << 20 // and a twentieth of what there was
	moreMemoryRace  = 160 << 20
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

// grown says what has grown beyond the bounds since before.
func (u usage) grown(before usage, race bool) (what []string) {
	room := int64(moreMemory)
	if race {
		room = moreMemoryRace
	}
	if u.goroutines > before.goroutines+moreGoroutines {
		what = append(what, fmt.Sprintf("goroutines grew from %d to %d", before.goroutines, u.goroutines))
	}
	if u.descriptors > before.descriptors+moreDescriptors {
		what = append(what, fmt.Sprintf("descriptors grew from %d to %d", before.descriptors, u.descriptors))
	}
	if u.memory > before.memory+before.memory/20+room {
		what = append(what, fmt.Sprintf("memory grew from %s to %s", mib(before.memory), mib(u.memory)))
	}
	return what
}

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
