package odata

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// direction makes a stream: (*View).Response or (*View).Request.
type direction func(*View, Message) *Stream

// run maps body in one piece, byte by byte and cut at every place, and fails if
// that makes any difference. A nil stream is the identity.
func run(t *testing.T, dir direction, v *View, m Message, body string) string {
	t.Helper()
	whole := pieces(dir(v, m), body)
	cuts := make([]int, 0, len(body))
	for i := range len(body) {
		if got := pieces(dir(v, m), body[:i], body[i:]); got != whole {
			t.Fatalf("cut at %d, before %.20q:\n got %q\nwant %q", i, body[i:], got, whole)
		}
		cuts = append(cuts, i)
	}
	if got := pieces(dir(v, m), cut(body, cuts)...); got != whole {
		t.Fatalf("byte by byte:\n got %q\nwant %q", got, whole)
	}
	return whole
}

// pieces maps what it is given one by one. Each piece is overwritten after its
// use, as a reader's buffer would be.
func pieces(s *Stream, body ...string) string {
	var out []byte
	for _, p := range body {
		if s == nil {
			out = append(out, p...)
			continue
		}
		b := []byte(p)
		out = s.Append(out, b)
		copy(b, bytes.Repeat([]byte{'"'}, len(b)))
	}
	if s != nil {
		out = s.Flush(out)
	}
	return string(out)
}

// cut cuts s before each of the places, which ascend.
func cut(s string, places []int) []string {
	var out []string
	last := 0
	for _, i := range places {
		out = append(out, s[last:i])
		last = i
	}
	return append(out, s[last:])
}

// someCuts chooses a few places in s, the same for the same seed.
func someCuts(s string, seed uint64) []int {
	rng := rand.New(rand.NewPCG(seed, 1))
	var out []int
	for i := range len(s) {
		if rng.IntN(1+int(seed%32)) == 0 {
			out = append(out, i)
		}
	}
	return out
}
