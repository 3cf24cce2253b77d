package tokencache

// Inherit makes other's token the current one, if it is alive, until the first
// fetch, which is made at once. So a change of how an application signs in, or of
// when a token is renewed, leaves no moment without a token and soon shows
// whether it does. Call it before Run. Other must ask for tokens of the same
// application and scope.
func (c *Cache) Inherit(other *Cache) {
	e := other.current.Load()
	if e == nil {
		return
	}
	now, age := c.now(), other.now().since(e.sent)
	got := &entry{
		value:    e.value,
		sent:     instant{now.wall.Add(-age), now.monotonic - age},
		lifetime: e.lifetime,
		full:     e.full,
		usable:   e.usable,
	}
	if got.alive(now) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.current.Store(got)
	}
}
