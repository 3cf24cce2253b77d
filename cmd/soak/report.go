package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// A report tells of the run, on its way and at its end.
type report struct {
	out      io.Writer
	settings settings
	dir      string // where what dvproxy had and logged is to be found
	began    time.Time
	live     bool    // out is a terminal
	held     []usage // before the first round, and after each
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// rounds is how many there were.
func (r *report) rounds() int { return max(0, len(r.held)-1) }

// progress says what happens now: on a terminal, in a line that is drawn over.
func (r *report) progress(st *stage, name string) {
	st.book.mu.Lock()
	requests := st.book.requests
	st.book.mu.Unlock()
	line := fmt.Sprintf("%6.0f s  round %d  %8d requests  %d broken  %s", time.Since(r.began).Seconds(), r.rounds()+1, requests, st.book.complaints(), name)
	if r.live {
		fmt.Fprintf(r.out, "\r\x1b[K%.79s", line)
		return
	}
	fmt.Fprintln(r.out, line)
}

// verdict prints the table, and says whether a promise was broken.
func (r *report) verdict(st *stage) bool {
	if r.live {
		fmt.Fprint(r.out, "\r\x1b[K")
	}
	b := st.book
	held := spanOf(r.held, r.settings.race)
	for _, what := range held.grown() {
		b.broke("%s", what)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
	row("seed", r.settings.seed)
	row("time", time.Since(r.began).Round(time.Second))
	row("rounds", r.rounds())
	row("requests", b.requests)
	row("  given up by their client", b.left0)
	counts(t, "faults", st.faults)
	counts(t, "token calls", st.tokens)
	row("dead tokens that reached Dataverse (it had revoked them)", st.refused)
	counts(t, "failures that clients saw, as documented", b.promised)
	counts(t, "failures that clients saw, not documented", b.broken)
	row("rows written twice", b.twice)
	row("acknowledged rows lost", b.lost)
	row("goroutines, start and end", fmt.Sprintf("%d  %d  (+%d allowed)", held.start.goroutines, held.end.goroutines, moreGoroutines))
	if held.start.descriptors >= 0 {
		row("descriptors", fmt.Sprintf("%d  %d  (+%d allowed)", held.start.descriptors, held.end.descriptors, moreDescriptors))
		row("memory", fmt.Sprintf("%s  %s  (%+.1f%%; +%s allowed)", mib(held.start.memory), mib(held.end.memory), held.drift(), mib(held.room())))
	} else {
		row("descriptors, memory", "not known on this system")
	}
	_ = t.Flush()
	return r.conclude(b)
}

// conclude prints what was broken, if anything was; the caller holds the book.
func (r *report) conclude(b *book) bool {
	if len(b.complain) == 0 {
		fmt.Fprintln(r.out, "\nEvery promise held.")
		return false
	}
	fmt.Fprintln(r.out, "\nA promise was broken:")
	for _, what := range b.complain {
		fmt.Fprintln(r.out, "  "+what)
	}
	fmt.Fprintf(r.out, `
The log of dvproxy is in %s, beside its configuration. A
request is found there by its name: accounts/NAME has "client_request_id":"NAME".
The same again: go run ./cmd/soak%s
A seed settles what goes wrong, in which order, and what clients send; which request
meets what is left to chance, so it may take a few runs.
`, filepath.Join(r.dir, logName), r.settings)
	return true
}

// counts prints a sum and what it is made of.
func counts(w io.Writer, name string, of map[string]int) {
	total := 0
	for _, n := range of {
		total += n
	}
	fmt.Fprintf(w, "%s\t%d\n", name, total)
	for _, kind := range slices.Sorted(maps.Keys(of)) {
		fmt.Fprintf(w, "  %s\t%d\n", kind, of[kind])
	}
}
