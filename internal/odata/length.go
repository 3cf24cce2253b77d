package odata

import (
	"slices"
	"strconv"
)

// output is where a batch's bytes go: straight on, or, while a Content-Length
// waits to be mended, into a buffer that begins with that header.
type output struct {
	dst   []byte
	tally *tally

	buf     []byte
	lengths []length // the outermost first
}

// length is a Content-Length that is held because what it counts may change.
type length struct {
	level    int // of the multipart whose part it counts
	declared int64

	// Where buf holds it: the line, and the digits in it.
	line, lineEnd int
	first, last   int

	counting bool // the header has ended; what comes is counted
	before   int  // the tally's drift at that point
}

// maxLengths bounds the lengths held at once: in a well-formed batch there are
// two for each level at most. Further ones pass as they are.
const maxLengths = 2 * maxNesting

// to is where the next bytes go. After writing to it, call check.
func (o *output) to() *[]byte {
	if len(o.lengths) > 0 {
		return &o.buf
	}
	return &o.dst
}

func (o *output) write(p []byte) {
	to := o.to()
	*to = append(*to, p...)
	o.check()
}

// hold writes a header line with a Content-Length, whose digits are
// line[first:last], and holds it and all that follows.
func (o *output) hold(level int, declared int64, line []byte, first, last int) {
	if len(o.lengths) < maxLengths {
		at := len(o.buf)
		o.lengths = append(o.lengths, length{
			level: level, declared: declared,
			line: at, lineEnd: at + len(line),
			first: at + first, last: at + last,
		})
	}
	o.write(line)
}

// count notes that a header has ended.
func (o *output) count() {
	for i := range o.lengths {
		if l := &o.lengths[i]; !l.counting {
			l.counting = true
			l.before = o.tally.drift
		}
	}
}

// release mends the lengths of parts at level or deeper, which have ended, or
// in which nothing can change any more. A length that was wrong stays wrong by
// as much, and one that nothing has changed keeps its spelling.
func (o *output) release(level int) {
	if len(o.lengths) == 0 {
		return
	}
	for len(o.lengths) > 0 {
		l := o.lengths[len(o.lengths)-1]
		if l.level < level {
			return
		}
		o.lengths = o.lengths[:len(o.lengths)-1]
		grown := o.tally.drift - l.before
		if l.counting && grown != 0 {
			digits := strconv.AppendInt(nil, max(0, l.declared+int64(grown)), 10)
			o.buf = slices.Replace(o.buf, l.first, l.last, digits...)
			o.tally.drift += len(digits) - (l.last - l.first)
		}
	}
	o.dst = append(o.dst, o.buf...)
	o.buf = o.buf[:0]
}

// check gives up holding what has grown too long. The headers are then left
// out: a length that does not hold would be worse, and in a multipart the
// delimiter says where a part ends. RFC 2046 section 5.1.
func (o *output) check() {
	if len(o.lengths) == 0 || len(o.buf) <= maxHeld {
		return
	}
	done := 0
	for _, l := range o.lengths {
		o.dst = append(o.dst, o.buf[done:l.line]...)
		done = l.lineEnd
	}
	o.dst = append(o.dst, o.buf[done:]...)
	o.buf = nil
	o.lengths = o.lengths[:0]
}
