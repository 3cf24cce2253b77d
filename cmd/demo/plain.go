package main

import (
	"fmt"
	"io"
)

// plain writes a line for each snapshot, as a table.
type plain struct {
	out    io.Writer
	headed bool
}

func (d *plain) show(s snapshot) {
	if !d.headed {
		d.headed = true
		fmt.Fprintf(d.out, "The same push twice, for %s; a token lives %s.\n\n", whole(s.duration), whole(s.tokenLifetime))
		fmt.Fprintf(d.out, "%8s   %-20s  %s\n", "", "straight to Dataverse", "through dvproxy")
		fmt.Fprintf(d.out, "%8s   %5s %6s %7s   %5s %6s %7s %10s %9s\n", "time", "rows", "401s", "other", "rows", "401s", "other", "renewals", "next in")
	}
	fmt.Fprintf(d.out, "%8s   %5d %6d %7d   %5d %6d %7d %10d %9s\n", seconds(s.elapsed),
		s.direct.rows, s.direct.unauthorized, s.direct.failures,
		s.proxied.rows, s.proxied.unauthorized, s.proxied.failures, s.renewals, seconds(s.renewsIn))
}

func (d *plain) end() { fmt.Fprintln(d.out) }
