package main

import (
	"io"
	"os"
	"time"
)

// A snapshot is all that a display shows, at one moment.
type snapshot struct {
	elapsed, duration time.Duration
	tokenLifetime     time.Duration
	direct, proxied   tally
	directLeft        time.Duration // of the direct run's token; below 0 once it has died
	proxiedLeft       time.Duration // of dvproxy's token
	renewals          int           // of it
	renewsIn          time.Duration
}

// A display shows how the pushes go.
type display struct {
	out   io.Writer
	look  look
	every time.Duration // a snapshot is wanted
	show  func(snapshot)
	end   func() // no more snapshots follow
}

// newDisplay returns a display that redraws itself if out is a terminal that
// can do that, and one of plain lines otherwise.
func newDisplay(out io.Writer, getenv func(string) string) *display {
	if !isTerminal(out) || getenv("TERM") == "dumb" {
		d := &display{out: out, look: look{glyphs: ascii()}, every: 2 * time.Second}
		p := &plain{out: out}
		d.show, d.end = p.show, p.end
		return d
	}
	d := &display{out: out, look: look{colour: getenv("NO_COLOR") == "", glyphs: ascii()}, every: 200 * time.Millisecond}
	if showsUnicode(getenv) {
		d.look.glyphs = unicode()
	}
	l := &live{out: out, look: d.look}
	d.show, d.end = l.show, l.end
	return d
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
