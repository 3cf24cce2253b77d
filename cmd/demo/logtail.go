package main

import (
	"io"
	"strings"
	"sync"
)

const logTailLines = 10

// A logTail keeps the last lines that were logged, since lines between two
// frames would tear the display. Each Write is one line. It may be used by many
// goroutines.
type logTail struct {
	mu     sync.Mutex // guards lines and onward
	lines  []string
	onward io.Writer // gets the lines in place of lines; nil at first
}

// Write implements [io.Writer].
func (t *logTail) Write(line []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.onward != nil {
		return t.onward.Write(line)
	}
	t.lines = append(t.lines, string(line))
	t.lines = t.lines[max(0, len(t.lines)-logTailLines):]
	return len(line), nil
}

// String is what was kept.
func (t *logTail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.lines, "")
}

// follow sends all further lines to w.
func (t *logTail) follow(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.onward = w
}
