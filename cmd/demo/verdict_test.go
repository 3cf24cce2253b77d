package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// good is evidence with which every promise holds.
func good() *evidence {
	return &evidence{
		duration: 25 * time.Second, tokenLifetime: 5 * time.Second,
		direct:     tally{requests: 5, rows: 2, unauthorized: 3, firstRefusal: 5 * time.Second},
		proxied:    tally{requests: 3, rows: 2},
		renewals:   14,
		pushed:     map[string]string{"one": "new", "two": "checked"},
		writes:     []string{"w1", "w2", "w3"},
		stored:     []row{{"two", "checked"}, {"one", "new"}},
		executions: simulator.Executions{ByRequestID: map[string]int{"w1": 1, "w2": 1, "w3": 1}},
	}
}

func TestVerdict(t *testing.T) {
	tests := []struct {
		name   string
		change func(*evidence)
		want   string // the only line of a broken promise; empty if there is none
	}{
		{"all is well", func(*evidence) {}, ""},
		{"no 401 at all", func(e *evidence) { e.direct.unauthorized = 0 }, "the direct run met no 401 in 25 s"},
		{
			"no 401 in time", func(e *evidence) { e.direct.unauthorized = 0; e.duration = time.Second },
			"the direct run met no 401 in 1 s: it must outlast a token's life, 5 s",
		},
		{
			"a failure", func(e *evidence) { e.proxied.failures = 1; e.proxied.firstFailure = "GET: 502" },
			"through dvproxy 1 of 3 requests failed, 0 with 401; the first:",
		},
		{"nothing pushed", func(e *evidence) { e.proxied.rows = 0 }, "through dvproxy no row was pushed at all"},
		{"a row is lost", func(e *evidence) { e.stored = e.stored[1:] }, "of 2 rows through dvproxy 1 not in the store"},
		{"a row is there twice", func(e *evidence) { e.stored = append(e.stored, e.stored[0]) }, "of 2 rows through dvproxy 1 in it more than once"},
		{"an update is lost", func(e *evidence) { e.stored[0].Description = "new" }, "of 2 rows through dvproxy 1 not as written"},
		{
			"a write was done twice", func(e *evidence) { e.executions.ByRequestID["w2"] = 2 },
			"of 2 rows through dvproxy 1 of the writes not executed exactly once",
		},
		{
			"a row nobody was told of", func(e *evidence) { e.stored = append(e.stored, row{"three", "new"}) },
			"of 2 rows through dvproxy 1 more in the store, whose push had failed",
		},
		{
			"all wrong with the store", func(e *evidence) { e.stored = []row{{"three", ""}, {"one", ""}}; e.writes = []string{"w0"} },
			"of 2 rows through dvproxy 1 not in the store, 1 not as written, 1 of the writes not executed exactly once, 1 more in the store, whose push had failed",
		},
		{"no read back", func(e *evidence) { e.readError = errors.New("oops") }, "the rows could not be read back through dvproxy: oops"},
		{
			"a dead token", func(e *evidence) { e.stats.DeadTokens = 1; e.stats.Requests = 3 },
			"dvproxy sent 1 of 3 requests to Dataverse with a dead token",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := good()
			tt.change(e)
			text, held := e.verdict(look{glyphs: ascii()})
			var broken []string
			for line := range strings.Lines(text) {
				if rest, ok := strings.CutPrefix(line, "  NO  "); ok {
					broken = append(broken, strings.TrimSpace(rest))
				}
			}
			if got := strings.Join(broken, "\n"); got != tt.want || held != (tt.want == "") {
				t.Errorf("held %v, broken %q; want %q", held, got, tt.want)
			}
		})
	}
}
