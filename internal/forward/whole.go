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
// has a length even if it changes, and so that a broken answer is none. What is
// kept is what upstream sent, which is short; where much comes of that, it is
// decoded and mapped twice, first for its length and then for the client. What
// turns out longer than mostWhole streams on.
func (a *answer) whole() error {
	room := int64(mostWhole)
	if a.ContentLength >= 0 {
		room = min(room, a.ContentLength)
	}
	sent, err := readUpTo(a.Body, int(room)+1)
	switch {
	case err == nil: // there is more
		rest := io.MultiReader(bytes.NewReader(sent), a.Body)
		if a.changes() {
			a.stream(rest)
		} else {
			a.sendAs(rest, a.ContentLength)
		}
		return nil
	case !errors.Is(err, io.EOF):
		return err
	case a.gzip != nil:
		return a.wholeDecoded(sent)
	}
	a.sendWhole(sent)
	return nil
}

// wholeDecoded is whole for a body that is decoded, once all of it is there.
func (a *answer) wholeDecoded(sent []byte) error {
	a.gzip.reset(bytes.NewReader(sent))
	body, err := readUpTo(a.gzip, short+1)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			return err
		}
		a.sendWhole(body)
		return nil
	}
	rest := &io.LimitedReader{R: a.gzip, N: mostWhole + 1 - int64(len(body))}
	length, err := a.length(io.MultiReader(bytes.NewReader(body), rest))
	if err != nil {
		return err
	}
	if a.links != nil { // for the second time
		a.links = a.view.Response(a.message)
	}
	if rest.N == 0 {
		length = unknown
	} else {
		a.Trailer = nil
	}
	a.sendAs(a.changed(bytes.NewReader(sent)), length)
	return nil
}

// sendWhole sends a decoded body with its length.
func (a *answer) sendWhole(body []byte) {
	if a.links != nil {
		body = a.links.All(body)
	}
	a.Trailer = nil // there is no place for one after a declared length
	a.sendAs(bytes.NewReader(body), int64(len(body)))
}

// length is that of a decoded body once it is mapped.
func (a *answer) length(body io.Reader) (int64, error) {
	if a.links == nil {
		return io.Copy(io.Discard, body)
	}
	return a.links.Length(body)
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
