package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dvproxy/internal/simulator"
)

// A book keeps what clients were told, and what of that breaks a promise.
type book struct {
	mu       sync.Mutex // guards all
	acts     []act
	rows     map[string]row
	requests int
	promised map[string]int // failures that the README allows, by kind
	broken   map[string]int // those it does not
	left0    int            // requests that the client gave up
	complain []string
	twice    int
	lost     int
}

// A row is what a client has sent once.
type row struct {
	told     fate
	from, to int // the acts in which that began and ended
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
	return &book{rows: map[string]row{}, promised: map[string]int{}, broken: map[string]int{}}
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
func (b *book) left(r request, from int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.requests++
	b.left0++
	for _, key := range r.keys {
		b.rows[key] = row{unknown, from, len(b.acts) - 1}
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
		b.rows[key] = row{end, from, len(b.acts) - 1}
	}
	if kind == "" {
		return
	}
	during := b.acts[from:]
	if !slices.ContainsFunc(during, func(a act) bool { return slices.Contains(a.allow, kind) }) {
		b.broken[kind]++
		why := ""
		if a.err != nil {
			why = ": " + a.err.Error()
		}
		b.note(fmt.Sprintf("%s %s (%s) saw %q %s%s", r.method, r.path, r.id, kind, names(during), why))
		return
	}
	b.promised[kind]++
	if (kind == noToken || kind == draining || kind == throttled || kind == limited) && !a.hint {
		b.note(fmt.Sprintf("%q came without a Retry-After %s (%s)", kind, names(during), r.id))
	}
}

// names says during which acts.
func names(acts []act) string {
	var all []string
	for _, a := range acts {
		all = append(all, strconv.Quote(a.name))
	}
	return "during " + strings.Join(all, ", then ")
}

// balance compares what clients were told with what was done, and begins anew.
func (b *book) balance(done simulator.Executions) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(b.rows)) {
		n, sent := done.ByName[key], b.rows[key]
		what := ""
		switch {
		case n > 1:
			b.twice++
			what = fmt.Sprintf("was written %d times", n)
		case n == 0 && sent.told == written:
			b.lost++
			what = "was acknowledged, and is lost"
		case n > 0 && sent.told == notWritten:
			what = "was written, and the client was told that it was not"
		}
		if what != "" {
			b.note(fmt.Sprintf("%s %s; it was sent %s", key, what, names(b.acts[sent.from:sent.to+1])))
		}
	}
	for key, n := range done.ByName {
		if _, known := b.rows[key]; !known {
			b.note(fmt.Sprintf("%s was written %d times, and no client sent it", key, n))
		}
	}
	clear(b.rows)
}
