package main

import (
	"fmt"
	"slices"
	"sync"

	"dvproxy/internal/simulator"
)

// A book keeps what clients were told, and what of that breaks a promise.
type book struct {
	mu       sync.Mutex // guards all
	acts     []act
	rows     map[string]fate
	requests int
	promised map[string]int // failures that the README allows, by kind
	broken   map[string]int // those it does not
	left0    int            // requests that the client gave up
	complain []string
	twice    int
	lost     int
}

// fate is what the client was told of a row.
type fate int

const (
	unknown fate = iota // it may have been written
	written
	notWritten
)

const mostComplaints = 20

func newBook() *book {
	return &book{rows: map[string]fate{}, promised: map[string]int{}, broken: map[string]int{}}
}

// enter begins an act.
func (b *book) enter(a act) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acts = append(b.acts, a)
}

// act is the number of the act there is now.
func (b *book) act() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.acts) - 1
}

func (b *book) broke(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note(fmt.Sprintf(format, args...))
}

// complaints is how many broken promises were put down.
func (b *book) complaints() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.complain)
}

func (b *book) note(text string) {
	if len(b.complain) < mostComplaints {
		b.complain = append(b.complain, text)
	} else if len(b.complain) == mostComplaints {
		b.complain = append(b.complain, "and more")
	}
}

// left puts down a request that its client gave up.
func (b *book) left(r request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
	b.left0++
	for _, key := range r.keys {
		b.rows[key] = unknown
	}
}

// done puts down an answer to a request that began in an act.
func (b *book) done(r request, a answer, from int) {
	kind := a.kind()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
	end := unknown
	switch {
	case kind == "":
		end = written
	case refused(kind):
		end = notWritten
	}
	for _, key := range r.keys {
		b.rows[key] = end
	}
	if kind == "" {
		return
	}
	during := b.acts[from:]
	if !slices.ContainsFunc(during, func(a act) bool { return slices.Contains(a.allow, kind) }) {
		b.broken[kind]++
		b.note(fmt.Sprintf("%s %s saw %q during %s: %v", r.method, r.path, kind, names(during), a.err))
		return
	}
	b.promised[kind]++
	if (kind == noToken || kind == draining || kind == throttled || kind == limited) && !a.hint {
		b.note(fmt.Sprintf("%q came without a Retry-After", kind))
	}
}

func names(acts []act) (all []string) {
	for _, a := range acts {
		all = append(all, a.name)
	}
	return all
}

// balance compares what clients were told with what was done, and begins anew.
func (b *book) balance(done simulator.Executions) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, end := range b.rows {
		n := done.ByName[key]
		switch {
		case n > 1:
			b.twice++
			b.note(fmt.Sprintf("%s was written %d times", key, n))
		case n == 0 && end == written:
			b.lost++
			b.note(key + " was acknowledged, and is lost")
		case n > 0 && end == notWritten:
			b.note(key + " was written, and the client was told that it was not")
		}
	}
	for key, n := range done.ByName {
		if _, known := b.rows[key]; !known {
			b.note(fmt.Sprintf("%s was written %d times, and no client sent it", key, n))
		}
	}
	clear(b.rows)
}
