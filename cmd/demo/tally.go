package main

import (
	"net/http"
	"time"
)

// A tally counts how a push fares. It is copied for the display.
type tally struct {
	requests     int
	rows         int // created
	unauthorized int // answers of 401
	failures     int // all else that was not 2xx
	firstRefusal time.Duration
	firstFailure string // what went wrong first; 401s count
	strip        [stripCells]cell
}

// stripCells is how many parts a push's time is shown in.
const stripCells = 36

// A cell tells how the requests of one part of a push fared.
type cell uint8

const (
	cellEmpty cell = iota
	cellGood
	cellBad // one at least
)

// failed is how many requests were not answered with 2xx.
func (t *tally) failed() int { return t.unauthorized + t.failures }

// count adds a request that ended so long after the start.
func (t *tally) count(method string, a answer, err error, after, duration time.Duration) {
	t.requests++
	at := min(int(after*stripCells/duration), stripCells-1)
	if err == nil && a.ok() {
		t.strip[at] = max(t.strip[at], cellGood)
		return
	}
	t.strip[at] = cellBad
	if err == nil && a.status == http.StatusUnauthorized {
		if t.unauthorized == 0 {
			t.firstRefusal = after
		}
		t.unauthorized++
	} else {
		t.failures++
	}
	if t.firstFailure == "" {
		t.firstFailure = method + ": "
		if err != nil {
			t.firstFailure += err.Error()
		} else {
			t.firstFailure += a.why()
		}
	}
}
