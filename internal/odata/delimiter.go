package odata

import "bytes"

// lineStart looks for a delimiter where a line of content begins. It keeps
// back what may become one.
func (b *batchStage) lineStart(src []byte) []byte {
	had := len(b.line)
	line := src
	if had > 0 {
		b.line = append(b.line, src[:min(len(src), maxBoundary+len("----\n"))]...)
		line = b.line
	}
	level, last, v := b.delimiter(line)
	switch v {
	case more:
		if had == 0 {
			b.line = append(b.line, src...)
		}
		return nil
	case yes:
		b.endPart(level, last)
		b.rest = true
	case no:
		b.start = false
	}
	b.write(b.line[:had])
	b.line = b.line[:0]
	return src
}

// delimiter tells whether a line begins with the delimiter of an open
// multipart, which one, and whether it is the last one of that.
func (b *batchStage) delimiter(line []byte) (level int, last bool, v verdict) {
	for level = len(b.bounds) - 1; level >= 0; level-- {
		bound := b.bounds[level]
		if len(line) < len(bound) {
			if bytes.HasPrefix(bound, line) {
				v = more
			}
			continue
		}
		after, ok := bytes.CutPrefix(line, bound)
		if !ok {
			continue
		}
		after, last = bytes.CutPrefix(after, []byte("--"))
		switch {
		case len(after) == 0, !last && string(after) == "-":
			v = more
		case isSpace(after[0]):
			return level, last, yes
		}
	}
	return 0, false, v
}
