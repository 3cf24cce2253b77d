package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// enoughCuts is how many there have to be for each place to have its share.
const enoughCuts = 800

// cuts prints the table of a run of cuts, and says whether a promise was broken.
func (r *report) cuts(st *stage, of *relay) bool {
	if r.live {
		fmt.Fprint(r.out, "\r\x1b[K")
	}
	b, tally := st.book, of.tally()
	for p := onConnect; p < places && !of.bytes && r.settings.cuts >= enoughCuts; p++ {
		fin, rst := cut{place: p}, cut{place: p, reset: true}
		usedFin, usedRst := cut{place: p, reused: true}, cut{place: p, reset: true, reused: true}
		if tally[fin]+tally[usedFin] == 0 || tally[rst]+tally[usedRst] == 0 {
			b.broke("not every way to cut a connection %s was tried", p)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(t, "%s\t%v\n", name, value) }
	row("seed", r.settings.seed)
	row("time", time.Since(r.began).Round(time.Second))
	row("POSTs", b.requests)
	counts(t, "failures that clients saw, as documented", b.promised)
	counts(t, "failures that clients saw, not documented", b.broken)
	row("POSTs executed twice", b.twice)
	row("acknowledged POSTs that were not executed", b.lost)
	row("connections cut", of.struck())
	_ = t.Flush()
	if of.bytes {
		byBytes(t, tally)
	} else {
		byPlace(t, tally)
	}
	_ = t.Flush()
	return r.conclude(b)
}

func byPlace(t io.Writer, tally map[cut]int) {
	fmt.Fprintln(t, "\nwhere\tnew, FIN\tnew, RST\tused, FIN\tused, RST")
	for p := onConnect; p < places; p++ {
		fmt.Fprintf(t, "  %s", p)
		for _, reused := range []bool{false, true} {
			for _, reset := range []bool{false, true} {
				fmt.Fprintf(t, "\t%d", tally[cut{place: p, reset: reset, reused: reused}])
			}
		}
		fmt.Fprintln(t)
	}
}

func byBytes(t io.Writer, tally map[cut]int) {
	fmt.Fprintln(t, "\nwhere\twithin\tFIN\tRST")
	for p := ofRequests; p < bytePlaces; p++ {
		for within := int64(100); within <= 10_000_000; within *= 10 {
			fmt.Fprintf(t, "  %s\t%d\t%d\t%d\n", p, within, tally[cut{place: p, after: within}], tally[cut{place: p, after: within, reset: true}])
		}
	}
}
