package main

import (
	"net/http"
	"sync"
)

// A stage is what a server serves until another takes its place.
type stage struct {
	handler http.Handler
	inUse   sync.RWMutex // for reading by each request, and for good once it was left
}

// serve serves a request, unless the stage was left: then it is false.
func (s *stage) serve(w http.ResponseWriter, r *http.Request) bool {
	if !s.inUse.TryRLock() {
		return false
	}
	defer s.inUse.RUnlock()
	s.handler.ServeHTTP(w, r)
	return true
}

// leave waits until no request is served any more. Another stage has taken the
// place, or there are no connections left.
func (s *stage) leave() { s.inUse.Lock() }
