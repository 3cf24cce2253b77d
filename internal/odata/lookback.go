package odata

import "bytes"

// lookback is the fast finder, for answers in which a string is in link
// position whenever the key right before it is an annotation: OData v4. It
// searches for "https:/ and then looks back at what stands before.
//
// That is exact for JSON, wherever the text is cut and however it is nested,
// though no parser runs along. Take the bytes @odata.nextLink, a quote, white
// space and a colon, and the quote before https. The first quote follows a
// letter and the second follows white space or the colon, so no backslash
// escapes either: both delimit strings. If the first one opened a string, that
// string would be the colon and the white space around it, the second quote
// would close it, and https would stand outside of any string, which JSON does
// not allow. So the first one closes a string that ends in @odata.nextLink, and
// since a colon follows, it is a key. In JSON inside a JSON string both quotes
// have a backslash before them, which neither white space nor the colon nor a
// letter is.
type lookback struct {
	reach int

	// The end of what came before the chunk, each run of white space cut down
	// to one space, which is all that looking back needs.
	past [maxAnnotation + len(`" : "`)]byte
	n    int // how many bytes of past are in use, at its end
}

func (l *lookback) next(chunk []byte, from int) int {
	for i := from; ; {
		slash := bytes.IndexByte(chunk[i:], '/')
		if slash < 0 {
			break
		}
		i += slash
		if at := urlAt(chunk, from, i); at >= 0 && l.isLink(chunk, at) {
			return at
		}
		for i < len(chunk) && chunk[i] == '/' { // only the first of several may be it
			i++
		}
	}
	// A link may have begun in the last bytes; if so, with the last quote.
	tail := max(from, len(chunk)-l.reach)
	if quote := bytes.LastIndexByte(chunk[tail:], '"'); quote >= 0 {
		if at := tail + quote + 1; l.isLink(chunk, at) {
			return at
		}
	}
	return -1
}

// urlAt returns where the string begins that has its first slash, escaped or
// not, at slash, if it begins like a URL and its quote is at from or after it;
// otherwise -1. That the scheme is right is left to match.
func urlAt(chunk []byte, from, slash int) int {
	colon := slash - 1
	if colon >= from && chunk[colon] == '\\' {
		colon--
	}
	if colon < from || chunk[colon] != ':' {
		return -1
	}
	for _, scheme := range [...]int{len("https"), len("http")} {
		if quote := colon - scheme - 1; quote >= from && chunk[quote] == '"' {
			return quote + 1
		}
	}
	return -1
}

// isLink tells whether the quote right before at opens a value in link position.
func (l *lookback) isLink(chunk []byte, at int) bool {
	i := l.skipSpace(chunk, at-2)
	if l.byteAt(chunk, i) != ':' {
		return false
	}
	i = l.skipSpace(chunk, i-1)
	if l.byteAt(chunk, i) != '"' {
		return false
	}
	if i >= maxAnnotation {
		return annotation(chunk[i-maxAnnotation:i]) == link
	}
	var key [maxAnnotation]byte
	for k := range key {
		key[k] = l.byteAt(chunk, i-maxAnnotation+k)
	}
	return annotation(key[:]) == link
}

// skipSpace goes back from i to the last byte that is not white space.
func (l *lookback) skipSpace(chunk []byte, i int) int {
	for isSpace(l.byteAt(chunk, i)) {
		i--
	}
	return i
}

// byteAt is chunk[i], or for a negative i a byte before chunk; 0 where nothing
// is known.
func (l *lookback) byteAt(chunk []byte, i int) byte {
	switch {
	case i >= 0:
		return chunk[i]
	case -i <= l.n:
		return l.past[len(l.past)+i]
	}
	return 0
}

func (l *lookback) leave(chunk []byte, seen int) { l.pass(chunk[:seen]) }

// pass keeps the end of b for later, in front of it what was kept before if b
// is short.
func (l *lookback) pass(b []byte) {
	old := l.past
	var (
		to   = len(l.past)
		next byte // the byte after the one looked at
	)
	for i := len(b) - 1; to > 0 && i >= -l.n; i-- {
		var c byte
		if i >= 0 {
			c = b[i]
		} else {
			c = old[len(old)+i]
		}
		if isSpace(c) {
			if next == ' ' {
				continue
			}
			c = ' '
		}
		to--
		l.past[to] = c
		next = c
	}
	l.n = len(l.past) - to
}

// isSpace tells JSON's white space. RFC 8259 section 2.
func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t'
}
