package forward

import (
	"bytes"
	"errors"
	"io"
	"slices"
)

const (
	short     = 64 << 10 // bytes of the longest declared length with which an answer is read whole
	mostWhole = 1 << 20  // bytes, decoded, of the longest answer that is
)

// whole reads the body to its end before the client gets anything, so that it
// has a length even if it changes, and so that a broken answer is none. What
// turns out longer than mostWhole streams on.
func (a *answer) whole(src io.Reader) error {
	room := int64(mostWhole)
	if declared := a.ContentLength; declared >= 0 && a.gzip == nil {
		room = min(room, declared)
	}
	body, err := readUpTo(src, int(room)+1)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if err == nil { // there is more
		rest := io.MultiReader(bytes.NewReader(body), src)
		if a.changes() || a.ContentLength < 0 {
			a.stream(rest)
		} else {
			a.sendAs(rest, a.ContentLength)
		}
		return nil
	}
	if a.links != nil {
		body = a.links.All(body)
	}
	a.Trailer = nil // there is no place for one after a declared length
	a.sendAs(bytes.NewReader(body), int64(len(body)))
	return nil
}

// readUpTo reads at most n bytes. The error is nil if there may be more, and
// io.EOF if that was all.
func readUpTo(src io.Reader, n int) ([]byte, error) {
	const first = 4 << 10
	b := make([]byte, 0, min(n, first))
	for len(b) < n {
		if len(b) == cap(b) {
			b = slices.Grow(b, min(len(b), n-len(b)))
		}
		m, err := src.Read(b[len(b):min(cap(b), n)])
		b = b[:len(b)+m]
		if err != nil {
			return b, err
		}
	}
	return b, nil
}
