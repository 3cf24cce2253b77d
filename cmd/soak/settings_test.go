package main

import (
	"io"
	"strings"
	"testing"
)

// The command line that a broken promise is printed with is one of the same run.
func TestSettingsAreACommandLine(t *testing.T) {
	for _, in := range []string{
		"--seed 7",
		"--seed 7 --duration 90s --clients 3 --race",
		"--seed 7 --cuts 5 --http2 --proxy ./dvproxy",
	} {
		s, err := parse(strings.Fields(in), io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(strings.Fields(strings.ReplaceAll(s.String(), `"`, "")), io.Discard)
		if err != nil || again != s {
			t.Errorf("%s: printed as%s, which is %+v, %v; want %+v", in, s, again, err, s)
		}
	}
}
