package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problem is one mistake: where it is and what to write instead. It never
// carries the value that was found, which may be a secret in the wrong place.
type Problem struct {
	File         string // empty where the value came from a flag or a variable
	Line, Column int    // from 1; both zero if the problem is with the whole file
	Setting      string // environments[0].renew_at, --listen or DVPROXY_LISTEN
	Message      string
}

// String is one line: dvproxy.yaml:12:5: environments[0].renew_at: must be ...
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File + ":")
		if p.Line > 0 {
			b.WriteString(strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Column) + ":")
		}
		b.WriteString(" ")
	}
	if p.Setting != "" {
		b.WriteString(p.Setting + ": ")
	}
	return b.String() + p.Message
}

// Problems are all mistakes of a configuration. As an error it has a line for each.
type Problems []Problem

// Error is one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// place is where a value came from: a position in the file, or the name of a
// flag or variable.
type place struct {
	file         string
	line, column int
	origin       string
}

// report gathers problems and warnings, and knows where each setting came from.
type report struct {
	places   map[string]place // by the setting's path
	failed   map[string]bool  // settings whose value is already known to be wrong
	problems Problems
	warnings Problems
}

func newReport() *report {
	return &report{places: map[string]place{}, failed: map[string]bool{}}
}

// has reports whether the setting at path was given.
func (r *report) has(path string) bool { _, ok := r.places[path]; return ok }

// problem adds a mistake in the setting at path, unless that setting or the
// section it is in has one already: what follows from a mistake is none.
func (r *report) problem(path, format string, args ...any) {
	if r.broken(path) {
		return
	}
	r.failed[path] = true
	r.problems = append(r.problems, r.at(path, fmt.Sprintf(format, args...)))
}

// broken reports whether the setting at path, or what it is in, has a problem already.
func (r *report) broken(path string) bool {
	for ; path != ""; path = parent(path) {
		if r.failed[path] {
			return true
		}
	}
	return r.failed[""]
}

// warn adds a doubt about the setting at path.
func (r *report) warn(path, format string, args ...any) {
	r.warnings = append(r.warnings, r.at(path, fmt.Sprintf(format, args...)))
}

// at is a problem at the place of the setting, or of the section that it is
// missing from.
func (r *report) at(path, message string) Problem {
	for p := path; p != ""; p = parent(p) {
		if at, ok := r.places[p]; ok {
			return Problem{at.file, at.line, at.column, cmp.Or(at.origin, path), message}
		}
	}
	return Problem{Setting: path, Message: message}
}

// name is what the user calls the setting at path: the flag or variable it came
// from, else its key.
func (r *report) name(path string) string {
	if at := r.places[path]; at.origin != "" {
		return at.origin
	}
	return path[strings.LastIndexByte(path, '.')+1:]
}

// parent is the path of the section or list that path is in, empty at the top.
func parent(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// sorted orders problems by file and position; those without come last.
func sorted(ps Problems) Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			-cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
		)
	})
	return ps
}
