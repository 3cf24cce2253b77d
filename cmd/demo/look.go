package main

import (
	"runtime"
	"strings"
)

// A look is how text is shown: in colour or not, with which signs.
type look struct {
	colour bool
	glyphs glyphs
}

// glyphs are the signs that the display is drawn with, one column wide each.
type glyphs struct {
	full, rest       string // of a bar
	good, bad, empty string // cells of a strip
	rule             string
	held, broken     string // of a promise
}

func ascii() glyphs {
	return glyphs{full: "#", rest: "-", good: "#", bad: "x", empty: ".", rule: "-", held: "ok", broken: "NO"}
}

func unicode() glyphs {
	return glyphs{full: "█", rest: "░", good: "■", bad: "×", empty: "·", rule: "─", held: "✓", broken: "✗"}
}

// showsUnicode tells by the locale whether a terminal does. A Windows console
// has no such variables, and does.
func showsUnicode(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(getenv(name)); v != "" {
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return runtime.GOOS == "windows"
}

func (l look) bold(s string) string  { return l.sgr("1", s) }
func (l look) faint(s string) string { return l.sgr("2", s) }
func (l look) good(s string) string  { return l.sgr("32", s) }
func (l look) bad(s string) string   { return l.sgr("31", s) }

// sgr wraps s in a terminal's attribute (ECMA-48 8.3.117).
func (l look) sgr(code, s string) string {
	if !l.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
