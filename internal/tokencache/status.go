package tokencache

import "time"

// A Status is what an operator wants to know of a cache, at one moment. Times
// are by the wall clock and zero where there is none.
type Status struct {
	Live      bool
	Expires   time.Time     // of the current token, dead or alive
	Runway    time.Duration // until the current token is dead; 0 if there is none
	Renews    time.Time     // when the next fetch is due
	Renewals  int           // fetches that brought a token
	Failures  int           // fetches that did not
	LastError error         // of the latest fetch; nil if it brought a token
}

// Status tells the state of the cache. It may be called often, but takes a lock.
func (c *Cache) Status() Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	s := Status{Renewals: c.renewals, Failures: c.failures}
	if e := c.current.Load(); e != nil {
		s.Live = e.alive(now)
		s.Expires = e.expires()
		s.Runway = max(0, e.left(now))
		s.Renews = now.wall.Add(e.renew - now.since(e.sent))
	}
	if f := c.failure; f != nil {
		s.LastError = f.err
		s.Renews = now.wall.Add(c.retryIn(now))
	}
	return s
}
