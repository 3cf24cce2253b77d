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
func (a *answer) whole() error {
	if a.gzip != nil {
		return a.wholeDecoded()
	}
	room := int64(mostWhole)
	if a.ContentLength >= 0 {
		room = min(room, a.ContentLength)
	}
	body, err := readUpTo(a.Body, int(room)+1)
	switch {
	case errors.Is(err, io.EOF):
		a.sendWhole(body)
		return nil
	case err != nil:
		return err
	}
	rest := io.MultiReader(bytes.NewReader(body), a.Body)
	if a.changes() {
		a.stream(rest)
	} else {
		a.sendAs(rest, a.ContentLength)
	}
	return nil
}

// wholeDecoded is whole for a body that is decoded. What is kept is what upstream
// sent, which is short: if much comes of it, it is decoded and mapped twice, first
// for its length and then for the client.
func (a *answer) wholeDecoded() error {
	var sent bytes.Buffer
	a.gzip.reset(io.TeeReader(a.Body, &sent))
	body, err := readUpTo(a.gzip, short+1)
	switch {
	case errors.Is(err, io.EOF):
		a.sendWhole(body)
		return nil
	case err != nil:
		return err
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
		a.stream(io.MultiReader(&sent, a.Body))
		return nil
	}
	a.Trailer = nil
	a.sendAs(a.changed(&sent), length)
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
