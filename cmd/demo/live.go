package main

import (
	"fmt"
	"io"
	"strings"
)

// Terminal control sequences (ECMA-48, and xterm's private modes).
const (
	hideCursor  = "\x1b[?25l"
	showCursor  = "\x1b[?25h"
	noWrap      = "\x1b[?7l" // a narrow terminal cuts lines off, so that they can be counted
	wrap        = "\x1b[?7h"
	clearToEnd  = "\x1b[K"
	upManyLines = "\x1b[%dA\r"
)

// live draws each frame over the one before.
type live struct {
	out   io.Writer
	look  look
	lines int // of the frame that is on the screen
}

func (d *live) show(s snapshot) {
	var b strings.Builder
	if d.lines == 0 {
		b.WriteString(hideCursor + noWrap)
	} else {
		fmt.Fprintf(&b, upManyLines, d.lines)
	}
	lines := frame(s, d.look)
	for _, line := range lines {
		b.WriteString(line + clearToEnd + "\n")
	}
	d.lines = len(lines)
	_, _ = io.WriteString(d.out, b.String()) // in one piece, or it flickers
}

// end leaves the last frame where it is.
func (d *live) end() {
	_, _ = io.WriteString(d.out, "\r"+clearToEnd+wrap+showCursor)
}
