package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"dvproxy/internal/simulator"
)

// evidence is all that a verdict rests on.
type evidence struct {
	duration, tokenLifetime time.Duration
	direct, proxied         tally
	renewals                int
	pushed                  map[string]string // description by name of the rows that dvproxy's client was told are in
	writes                  []string          // request ids of the writes that it was told are done
	stored                  []row             // what is in, read back through dvproxy
	readError               error             // why it could not be
	executions              simulator.Executions
	stats                   simulator.Stats // of the environment behind dvproxy
}

// A promise is one thing that must hold, with what was seen of it.
type promise struct {
	held bool
	text string
}

func (e *evidence) directDies() promise {
	if e.direct.unauthorized == 0 {
		text := fmt.Sprintf("the direct run met no 401 in %s", whole(e.duration))
		if e.duration <= e.tokenLifetime {
			text += fmt.Sprintf(": it must outlast a token's life, %s", whole(e.tokenLifetime))
		}
		return promise{false, text}
	}
	return promise{true, fmt.Sprintf("the direct run met its 401 after %s", seconds(e.direct.firstRefusal))}
}

func (e *evidence) noFailure() promise {
	if n := e.proxied.failed(); n > 0 {
		return promise{false, fmt.Sprintf("through dvproxy %d of %d requests failed, %d with 401; the first:\n%s",
			n, e.proxied.requests, e.proxied.unauthorized, e.proxied.firstFailure)}
	}
	if e.proxied.rows == 0 {
		return promise{false, "through dvproxy no row was pushed at all"}
	}
	return promise{true, fmt.Sprintf("through dvproxy all %d requests were answered with 2xx", e.proxied.requests)}
}

func (e *evidence) exactlyOnce() promise {
	if e.readError != nil {
		return promise{false, fmt.Sprintf("the rows could not be read back through dvproxy: %v", e.readError)}
	}
	stored := map[string][]row{}
	for _, r := range e.stored {
		stored[r.Name] = append(stored[r.Name], r)
	}
	var wrong findings
	for name, description := range e.pushed {
		switch found := stored[name]; {
		case len(found) == 0:
			wrong.lost++
		case len(found) > 1:
			wrong.twice++
		case found[0].Description != description:
			wrong.other++
		}
		delete(stored, name)
	}
	wrong.unasked = len(stored)
	for _, id := range e.writes {
		if e.executions.ByRequestID[id] != 1 {
			wrong.executed++
		}
	}
	if wrong != (findings{}) {
		return promise{false, fmt.Sprintf("of %s through dvproxy %v", plural(len(e.pushed), "row"), wrong)}
	}
	return promise{true, fmt.Sprintf("each of its %d rows is in the store exactly once, as written", len(e.pushed))}
}

// findings count what is wrong in a store.
type findings struct{ lost, twice, other, executed, unasked int }

func (f findings) String() string {
	var parts []string
	for _, found := range []struct {
		n    int
		what string
	}{
		{f.lost, "%d not in the store"},
		{f.twice, "%d in it more than once"},
		{f.other, "%d not as written"},
		{f.executed, "%d of the writes not executed exactly once"},
		{f.unasked, "%d more in the store, whose push had failed"},
	} {
		if found.n > 0 {
			parts = append(parts, fmt.Sprintf(found.what, found.n))
		}
	}
	return strings.Join(parts, ", ")
}

func (e *evidence) noDeadToken() promise {
	if n := e.stats.DeadTokens; n > 0 {
		return promise{false, fmt.Sprintf("dvproxy sent %d of %d requests to Dataverse with a dead token", n, e.stats.Requests)}
	}
	return promise{true, fmt.Sprintf("no dead token reached Dataverse from dvproxy, in %s", plural(e.renewals, "renewal"))}
}

// verdict says it in plain words, and whether every promise held.
func (e *evidence) verdict(l look) (text string, held bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "Direct: %s", plural(e.direct.rows, "row"))
	if e.direct.unauthorized > 0 {
		fmt.Fprintf(&b, ", then %s refused with 401, from %s on", plural(e.direct.unauthorized, "request"), seconds(e.direct.firstRefusal))
	}
	once := e.exactlyOnce()
	fmt.Fprintf(&b, ".\nThrough dvproxy: %s, %s, %s", plural(e.proxied.rows, "row"),
		plural(e.proxied.failed(), "failure"), plural(e.renewals, "renewal"))
	if once.held {
		b.WriteString(", every row exactly once")
	}
	b.WriteString(".\n\n")
	held = true
	for _, p := range []promise{e.directDies(), e.noFailure(), once, e.noDeadToken()} {
		mark := l.good(l.glyphs.held)
		if !p.held {
			held, mark = false, l.bad(l.glyphs.broken)
		}
		fmt.Fprintf(&b, "  %s  %s\n", mark, strings.ReplaceAll(p.text, "\n", "\n      "))
	}
	if held {
		return b.String() + "\n" + l.good("Every promise held.") + "\n", true
	}
	return b.String() + "\n" + l.bad("A promise was broken.") + "\n", false
}

// seconds writes a duration as "5.0 s".
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// whole writes a duration as "5 s", with no more decimals than it has.
func whole(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
