package main

import (
	"fmt"
	"text/tabwriter"
	"time"
)

// enoughCuts is how many there have to be for each place to have its share.
const enoughCuts = 1000

// cuts prints the table of a run of cuts, and says whether a promise was broken.
func (r *report) cuts(st *stage, of *relay) bool {
	if r.live {
		fmt.Fprint(r.out, "\r\x1b[K")
	}
	b, tally := st.book, of.tally()
	for p := onConnect; p < places; p++ {
		if sum := tally[cut{p, false, 0, false}] + tally[cut{p, true, 0, false}]; sum == 0 && r.settings.cuts >= enoughCuts {
			b.broke("no connection was cut %s", p)
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
	fmt.Fprintln(t, "\nwhere\tnew, FIN\tnew, RST\tused, FIN\tused, RST")
	for p := onConnect; p < places; p++ {
		fmt.Fprintf(t, "  %s", p)
		for _, reused := range []bool{false, true} {
			for _, reset := range []bool{false, true} {
				fmt.Fprintf(t, "\t%d", tally[cut{p, reset, 0, reused}])
			}
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush()
	return r.conclude(b)
}
