package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// midway is a snapshot of a run in which the direct token has died.
func midway() snapshot {
	s := snapshot{
		elapsed: 12400 * time.Millisecond, duration: 25 * time.Second, tokenLifetime: 5 * time.Second,
		direct:     tally{rows: 81, unauthorized: 131, firstRefusal: 5 * time.Second},
		proxied:    tally{rows: 201},
		directLeft: -7400 * time.Millisecond, proxiedLeft: 3400 * time.Millisecond,
		renewals: 7, renewsIn: 200 * time.Millisecond,
	}
	for i := range 18 {
		s.proxied.strip[i], s.direct.strip[i] = cellGood, cellGood
		if i > 6 {
			s.direct.strip[i] = cellBad
		}
	}
	return s
}

func Example_frame() {
	fmt.Println(strings.Join(frame(midway(), look{glyphs: ascii()}), "\n"))
	// Output:
	// An overnight push, twice at once. Here a token lives 5 s, not an hour.
	//   ##############################------------------------------  12.4 s of 25 s
	//
	//   STRAIGHT TO DATAVERSE                   THROUGH DVPROXY
	//   fetched its token once, at the start    knows nothing of tokens
	//   ------------------------------------    ------------------------------------
	//   rows pushed                       81    rows pushed                      201
	//   refused with 401                 131    refused with 401                   0
	//   other failures                     0    other failures                     0
	//   token renewals                     0    token renewals                     7
	//   next renewal                   never    next renewal                in 0.2 s
	//   token ------------    dead for 7.4 s    token ########----   alive for 3.4 s
	//   #######xxxxxxxxxxx..................    ##################..................
}

var escape = regexp.MustCompile(`\x1b\[[?0-9;]*[A-Za-z]`)

func TestFramesFitEightyColumns(t *testing.T) {
	huge := tally{rows: math.MaxInt32, unauthorized: math.MaxInt32, failures: math.MaxInt32}
	for name, s := range map[string]snapshot{
		"midway":    midway(),
		"beginning": {duration: 25 * time.Second, tokenLifetime: 5 * time.Second},
		"a long night": {
			elapsed: 9 * time.Hour, duration: 10 * time.Hour, tokenLifetime: time.Hour, direct: huge, proxied: huge,
			directLeft: -8 * time.Hour, proxiedLeft: time.Hour, renewals: math.MaxInt32, renewsIn: time.Hour,
		},
	} {
		for _, l := range []look{{colour: true, glyphs: unicode()}, {glyphs: ascii()}} {
			lines := frame(s, l)
			if len(lines) > 14 {
				t.Errorf("%s: %d lines leave no room for the verdict on a screen of 24", name, len(lines))
			}
			for _, line := range lines {
				if n := utf8.RuneCountInString(escape.ReplaceAllString(line, "")); n > 80 {
					t.Errorf("%s: %d columns: %s", name, n, line)
				}
			}
		}
	}
}

func TestLiveDrawsOverTheFrameBefore(t *testing.T) {
	var out bytes.Buffer
	d := &live{out: &out, look: look{glyphs: ascii()}}
	d.show(midway())
	first := out.String()
	out.Reset()
	d.show(midway())
	up := fmt.Sprintf("\x1b[%dA\r", strings.Count(first, "\n"))
	if got := out.String(); !strings.HasPrefix(got, up) || strings.Count(got, "\n") != strings.Count(first, "\n") {
		t.Errorf("second frame %q does not begin with %q", got, up)
	}
	out.Reset()
	d.end()
	if got := out.String(); !strings.Contains(got, showCursor) || !strings.Contains(got, wrap) {
		t.Errorf("end writes %q, want the cursor and wrapping back", got)
	}
}

func TestLook(t *testing.T) {
	env := func(pairs ...string) func(string) string {
		return func(name string) string {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return ""
		}
	}
	terminal, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a character device too
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	for _, tt := range []struct {
		name   string
		getenv func(string) string
		colour bool
		glyphs glyphs
		every  time.Duration
	}{
		{"modern", env("LANG", "en_US.UTF-8"), true, unicode(), 200 * time.Millisecond},
		{"NO_COLOR", env("LANG", "C.utf8", "NO_COLOR", "1"), false, unicode(), 200 * time.Millisecond},
		{"other locale", env("LC_ALL", "C", "LANG", "en_US.UTF-8"), true, ascii(), 200 * time.Millisecond},
		{"dumb", env("LANG", "en_US.UTF-8", "TERM", "dumb"), false, ascii(), 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDisplay(terminal, tt.getenv)
			if d.look.colour != tt.colour || d.look.glyphs != tt.glyphs || d.every != tt.every {
				t.Errorf("look %+v every %v", d.look, d.every)
			}
		})
	}
	if d := newDisplay(new(bytes.Buffer), env("LANG", "en_US.UTF-8")); d.look.colour || d.every != 2*time.Second {
		t.Errorf("what is no terminal is drawn on: %+v", d.look)
	}
}
