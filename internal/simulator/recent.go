package simulator

import (
	"net/http"
	"sync"
	"time"
)

// Request is one request as it arrived. It is recorded when its answer ends,
// so requests that overlap are in the order in which they ended.
type Request struct {
	Time       time.Time   `json:"time"`
	Service    string      `json:"service"` // "entra", "dataverse" or "graph"
	Method     string      `json:"method"`
	RequestURI string      `json:"request_uri"` // the request target, byte for byte
	Proto      string      `json:"proto"`
	Host       string      `json:"host"`
	RemoteAddr string      `json:"remote_addr"`
	Header     http.Header `json:"header"` // names as net/http respells them

	// RawHead is the request line and the header fields as they were on the
	// wire. Empty unless the tenant itself listens, and for TLS.
	RawHead string `json:"raw_head,omitempty"`

	ContentLength int64       `json:"content_length"` // as declared, -1 for chunks
	BodyLength    int64       `json:"body_length"`    // as read
	BodySHA256    string      `json:"body_sha256"`    // of what was read
	BodyComplete  bool        `json:"body_complete"`  // read to its end
	Trailer       http.Header `json:"trailer,omitempty"`

	// Status is what was answered, 0 if nothing was.
	Status int `json:"status"`
}

// recentRequests is a ring.
type recentRequests struct {
	mu   sync.Mutex // guards what follows
	ring []Request
	next int
	full bool
}

func newRecentRequests(size int) *recentRequests {
	return &recentRequests{ring: make([]Request, max(0, size))}
}

func (rr *recentRequests) add(r Request) {
	rr.mu.Lock()
	defer rr.mu.Unlock()
	if len(rr.ring) == 0 {
		return
	}
	rr.ring[rr.next] = r
	rr.next = (rr.next + 1) % len(rr.ring)
	rr.full = rr.full || rr.next == 0
}

// Recent returns the requests that were kept, oldest first.
func (t *Tenant) Recent() []Request {
	rr := t.recent
	rr.mu.Lock()
	defer rr.mu.Unlock()
	out := []Request{}
	if rr.full {
		out = append(out, rr.ring[rr.next:]...)
	}
	return append(out, rr.ring[:rr.next]...)
}

// ClearRecent forgets the requests that were kept.
func (t *Tenant) ClearRecent() {
	rr := t.recent
	rr.mu.Lock()
	defer rr.mu.Unlock()
	clear(rr.ring)
	rr.next, rr.full = 0, false
}
