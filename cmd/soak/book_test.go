package main

import (
	"strings"
	"testing"

	"dvproxy/internal/simulator"
)

// Each broken promise is found, and what keeps to them is not.
func TestBook(t *testing.T) {
	row := request{method: "POST", path: "accounts", keys: []string{"accounts/a"}, id: "a"}
	for _, tt := range []struct {
		name   string
		allow  []string // in the second of two acts, in which the request ends
		answer answer
		times  int // that the row was written
		want   string
	}{
		{"acknowledged", nil, answer{status: 204}, 1, ""},
		{"written twice", nil, answer{status: 204}, 2, `written 2 times; it was sent during "before", then "now"`},
		{"lost", nil, answer{status: 204}, 0, "lost"},
		{"a 401", nil, answer{status: 401}, 0, `(a) saw "401" during "before", then "now"`},
		{"allowed", []string{"502"}, answer{status: 502}, 1, ""},
		{"allowed, but twice", []string{"502"}, answer{status: 502}, 2, "written 2 times"},
		{"not allowed", []string{"503"}, answer{status: 502}, 0, `saw "502"`},
		{"dvproxy's own is another", []string{"502"}, answer{status: 502, code: "dvproxy.upstream_unreachable"}, 0, "upstream_unreachable"},
		{"said not to be written", []string{draining}, answer{status: 503, code: "dvproxy.draining", hint: true}, 1, "told that it was not"},
		{"no Retry-After", []string{draining}, answer{status: 503, code: "dvproxy.draining"}, 0, "without a Retry-After"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBook()
			b.enter(act{name: "before"})
			from := b.act()
			b.enter(act{name: "now", allow: tt.allow})
			b.done(row, tt.answer, from)
			b.balance(simulator.Executions{ByName: map[string]int{"accounts/a": tt.times}})
			got := strings.Join(b.complain, "; ")
			if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
				t.Errorf("complaints %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSum(t *testing.T) {
	text := "# HELP a b\na{x=\"1\"} 2\na{x=\"2\"} 3\nab 7\na 1\n"
	if got := sum(text, "a"); got != 6 {
		t.Errorf("got %v, want 6", got)
	}
}
