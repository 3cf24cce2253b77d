package tokencache

import (
	"context"
	"log/slog"
	"time"
)

// A Store keeps the current token where it outlives the process. Its methods
// may be slow and may fail, which they report themselves: nothing waits for
// them, but the start for the first two seconds of a Load, and the end of Run
// for as long. They are called one at a time, from one goroutine.
type Store interface {
	// Load returns the token kept by an earlier process; false if there is none.
	Load() (Kept, bool)
	// Save keeps the token in place of the one before.
	Save(Kept)
	// Forget drops the token, if it is the one that is kept.
	Forget(token string)
}

// Kept is a token as a [Store] keeps it. A store gives back what it was given,
// and judges none of it.
type Kept struct {
	Token     string
	Sent      time.Time     // when its request was sent, by the wall clock
	Boot      string        // which run of the machine that was in; empty if unknown
	Uptime    time.Duration // of the machine then; see [Uptime]
	Lifetime  time.Duration // from Sent
	Full      time.Duration // lifetime when the source first issued it
	RefreshIn time.Duration // after which the server wants it renewed; 0 if it named none
}

// storeLimit is how long the start waits for a token from the store, and the
// end for the last one to be kept.
const storeLimit = 2 * time.Second

// A keeping is what the store has yet to do. It is guarded by the cache's mu.
type keeping struct {
	save     *entry
	forget   string
	rejected string        // the latest token that a newer one was demanded for
	wake     chan struct{} // has room for one
}

// keep starts the goroutine that talks to the store, and waits for the token of
// the process before, though not long. Stop ends it, once the last token is kept.
func (c *Cache) keep(ctx context.Context) (stop func()) {
	loaded, ending, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		c.takeUp()
		close(loaded)
		for {
			select {
			case <-c.keeping.wake:
				c.tellStore()
			case <-ending:
				c.tellStore()
				return
			}
		}
	}()
	waitFor(ctx, loaded)
	return func() {
		close(ending)
		waitFor(context.Background(), ended)
	}
}

// waitFor waits for done, until ctx ends or storeLimit has passed.
func waitFor(ctx context.Context, done <-chan struct{}) {
	timer := time.NewTimer(storeLimit)
	defer timer.Stop()
	select {
	case <-done:
	case <-ctx.Done():
	case <-timer.C:
	}
}

// takeUp makes the kept token the current one, unless one was fetched meanwhile.
func (c *Cache) takeUp() {
	k, ok := c.store.Load()
	if !ok {
		return
	}
	e, why := c.keptEntry(k)
	if e == nil {
		c.log.Info("the kept token is of no use; fetching another", slog.String("reason", why))
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current.Load() != nil {
		return
	}
	c.current.Store(e)
	c.announce()
	c.look()
	age := c.now().since(e.sent)
	c.log.Info("token taken up from an earlier run", slog.Duration("age", age), slog.Duration("lifetime", e.lifetime), slog.Duration("renew_after", e.renew))
}

// keptEntry judges a kept token by its age, which is that of whichever clock
// says longer: the wall clock, or the machine's own count if it has run on
// since. A clock by which the token is not issued yet was wrong when it was
// kept or is wrong now, and how much by nobody knows; so the token, which may
// be dead, is not used.
func (c *Cache) keptEntry(k Kept) (e *entry, why string) {
	if k.Token == "" || k.Lifetime <= 0 {
		return nil, "it has no lifetime"
	}
	now := c.now()
	age := now.wall.Sub(k.Sent)
	if boot, up := c.uptime(); boot != "" && boot == k.Boot {
		if up < k.Uptime {
			return nil, "it is from the future"
		}
		age = max(age, up-k.Uptime)
	}
	if now.wall.Before(k.Sent) {
		return nil, "it is from the future"
	}
	e = &entry{
		value:     k.Token,
		sent:      instant{now.wall.Add(-age), now.monotonic - age},
		lifetime:  k.Lifetime,
		full:      max(k.Full, k.Lifetime),
		refreshIn: k.RefreshIn,
	}
	c.schedule(e)
	if !e.alive(now) {
		return nil, "it is too old"
	}
	return e, ""
}

// toKeep has e kept, unless it is the very token that was rejected: a managed
// identity may know no other. Callers hold mu.
func (c *Cache) toKeep(e *entry) {
	if c.store == nil || e.value == c.keeping.rejected {
		return
	}
	c.keeping.save = e
	c.wakeKeeper()
}

// disown has e's token forgotten, so that a restart does not bring back what a
// server has refused. The token stays in use until the newer one is there.
// Callers hold mu.
func (c *Cache) disown(e *entry) {
	if c.store == nil || e.value == c.keeping.rejected {
		return
	}
	c.keeping.rejected, c.keeping.forget = e.value, e.value
	if c.keeping.save != nil && c.keeping.save.value == e.value {
		c.keeping.save = nil
	}
	c.wakeKeeper()
}

func (c *Cache) wakeKeeper() {
	select {
	case c.keeping.wake <- struct{}{}:
	default:
	}
}

// tellStore hands on what has gathered for the store.
func (c *Cache) tellStore() {
	c.mu.Lock()
	forget, save := c.keeping.forget, c.keeping.save
	c.keeping.forget, c.keeping.save = "", nil
	c.mu.Unlock()
	if forget != "" {
		c.store.Forget(forget)
	}
	if save != nil {
		c.store.Save(c.kept(save))
	}
}

// kept is e for the store.
func (c *Cache) kept(e *entry) Kept {
	k := Kept{Token: e.value, Sent: e.sent.wall, Lifetime: e.lifetime, Full: e.full, RefreshIn: e.refreshIn}
	age := c.now().since(e.sent)
	if boot, up := c.uptime(); boot != "" {
		k.Boot, k.Uptime = boot, up-age
	}
	return k
}
