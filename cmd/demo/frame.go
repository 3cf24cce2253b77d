package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	columnWidth = stripCells
	columnGap   = "    "
	frameWidth  = 2*columnWidth + len(columnGap)
	gaugeWidth  = 12
)

// frame draws a snapshot: under a bar, a column for each push. No line is wider
// than 80 columns.
func frame(s snapshot, l look) []string {
	title := fmt.Sprintf("An overnight push, twice at once. Here a token lives %s, not an hour.", whole(s.tokenLifetime))
	done := fmt.Sprintf("  %s of %s", seconds(s.elapsed), whole(s.duration))
	bar := l.bar(fraction(s.elapsed, s.duration), frameWidth-len(done))
	lines := []string{l.bold(title), bar + done, ""}
	direct, proxied := directColumn(s, l), proxiedColumn(s, l)
	for i := range direct {
		lines = append(lines, direct[i]+columnGap+proxied[i])
	}
	for i := range lines {
		if lines[i] != "" {
			lines[i] = "  " + lines[i]
		}
	}
	return append(lines, "")
}

func directColumn(s snapshot, l look) []string {
	token, paint := "alive for "+seconds(s.directLeft), l.good
	if s.directLeft <= 0 {
		token, paint = "dead for "+seconds(-s.directLeft), l.bad
	}
	return []string{
		l.bold(fmt.Sprintf("%-*s", columnWidth, "STRAIGHT TO DATAVERSE")),
		l.faint(fmt.Sprintf("%-*s", columnWidth, "fetched its token once, at the start")),
		l.faint(strings.Repeat(l.glyphs.rule, columnWidth)),
		l.count("rows pushed", s.direct.rows, plainly),
		l.count("refused with 401", s.direct.unauthorized, l.alarm(s.direct.unauthorized)),
		l.count("other failures", s.direct.failures, l.alarm(s.direct.failures)),
		l.count("token renewals", 0, plainly),
		l.field("next renewal", "never", plainly),
		l.gauge(fraction(s.directLeft, s.tokenLifetime), token, paint),
		l.strip(s.direct.strip),
	}
}

func proxiedColumn(s snapshot, l look) []string {
	token, paint := "alive for "+seconds(s.proxiedLeft), l.good
	if s.proxiedLeft <= 0 {
		token, paint = "dead", l.bad
	}
	return []string{
		l.bold("THROUGH DVPROXY"),
		l.faint("knows nothing of tokens"),
		l.faint(strings.Repeat(l.glyphs.rule, columnWidth)),
		l.count("rows pushed", s.proxied.rows, l.good),
		l.count("refused with 401", s.proxied.unauthorized, l.alarm(s.proxied.unauthorized)),
		l.count("other failures", s.proxied.failures, l.alarm(s.proxied.failures)),
		l.count("token renewals", s.renewals, l.good),
		l.field("next renewal", "in "+seconds(s.renewsIn), plainly),
		l.gauge(fraction(s.proxiedLeft, s.tokenLifetime), token, paint),
		l.strip(s.proxied.strip),
	}
}

func plainly(s string) string { return s }

// alarm paints a count of what should be 0.
func (l look) alarm(n int) func(string) string {
	if n > 0 {
		return l.bad
	}
	return l.good
}

// field is a line of a column: a label and, flush right, a value.
func (l look) field(label, value string, paint func(string) string) string {
	return label + strings.Repeat(" ", max(1, columnWidth-len(label)-len(value))) + paint(value)
}

func (l look) count(label string, n int, paint func(string) string) string {
	return l.field(label, fmt.Sprint(n), paint)
}

// gauge shows how much of a token's life is left.
func (l look) gauge(left float64, text string, paint func(string) string) string {
	return "token " + l.bar(left, gaugeWidth) + paint(fmt.Sprintf("%*s", columnWidth-len("token ")-gaugeWidth, text))
}

func (l look) bar(part float64, width int) string {
	full := int(part*float64(width) + 0.5)
	return strings.Repeat(l.glyphs.full, full) + l.faint(strings.Repeat(l.glyphs.rest, width-full))
}

// strip shows how each part of a push went.
func (l look) strip(cells [stripCells]cell) string {
	var b strings.Builder
	for _, c := range cells {
		switch c {
		case cellGood:
			b.WriteString(l.good(l.glyphs.good))
		case cellBad:
			b.WriteString(l.bad(l.glyphs.bad))
		default:
			b.WriteString(l.faint(l.glyphs.empty))
		}
	}
	return b.String()
}

// fraction is a as a part of b, from 0 to 1.
func fraction(a, b time.Duration) float64 {
	return min(max(float64(a)/float64(b), 0), 1)
}
