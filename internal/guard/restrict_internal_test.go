package guard

import "testing"

// What is held of bodies at once is bounded: what finds no room flows.
func TestReserve(t *testing.T) {
	var g restricted
	for i := range mostHeld / mostAhead {
		if !g.reserve(mostAhead) {
			t.Fatalf("no room for body %d", i)
		}
	}
	if g.reserve(1) {
		t.Error("room for one more byte")
	}
	g.held.Add(-mostAhead)
	if !g.reserve(mostAhead) {
		t.Error("no room where some was given back")
	}
	for _, length := range []int64{-1, mostAhead + 1} {
		if new(restricted).reserve(length) {
			t.Errorf("a body of length %d is held", length)
		}
	}
}
