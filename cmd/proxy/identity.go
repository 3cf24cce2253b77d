package main

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"dvproxy/internal/config"
	"dvproxy/internal/tokencache"
)

// An identity is an application that dvproxy signs in as, for a scope, with
// its token. Environments that ask for the same share one.
type identity struct {
	key    identityKey
	source source
	cache  *tokencache.Cache
	own    []func(tokencache.Renewal)                 // what it looks at itself
	users  atomic.Pointer[[]func(tokencache.Renewal)] // who else is told

	// Guarded by the mu of identities.
	uses int
	stop context.CancelFunc // nil until it runs
}

// told tells everybody who uses the identity of a renewal.
func (id *identity) told(r tokencache.Renewal) {
	for _, user := range id.own {
		user(r)
	}
	if users := id.users.Load(); users != nil {
		for _, user := range *users {
			user(r)
		}
	}
}

// expires is when the certificate expires that the identity signs in with;
// zero if that is not known yet, or if there is none.
func (id *identity) expires() time.Time {
	if c, ok := id.source.(interface{ NotAfter() time.Time }); ok {
		return c.NotAfter()
	}
	return time.Time{}
}

// An identityKey tells identities apart, by the values of secrets and not by
// where they stand.
type identityKey struct {
	credential       config.Credential // without its secrets
	secret, password string
	roots            [sha256.Size]byte // of the CA file's contents; zero if there is none
	renewAt          float64           // the soonest that one of its environments wants
	state            state
}

// keysOf are the keys of a configuration's environments, in their order.
func keysOf(c *config.Config) []identityKey {
	keys := make([]identityKey, len(c.Environments))
	soonest := map[identityKey]float64{}
	for i, e := range c.Environments {
		k := keyOf(e)
		k.state = state{c.StateDir, c.KeyFile}
		if at, ok := soonest[k]; !ok || e.RenewAt < at {
			soonest[k] = e.RenewAt
		}
		keys[i] = k
	}
	for i, k := range keys {
		keys[i].renewAt = soonest[k]
	}
	return keys
}

func keyOf(e config.Environment) identityKey {
	c := e.Credential
	k := identityKey{secret: c.ClientSecret.Reveal(), password: c.CertificatePassword.Reveal()}
	c.ClientSecret, c.CertificatePassword = config.Secret{}, config.Secret{}
	k.credential = c
	if pem, err := os.ReadFile(e.CAFile); err == nil { // else there are no roots to be had either
		k.roots = sha256.Sum256(pem)
	}
	return k
}

// identities are those of a process. Each is there for as long as somebody uses
// it, and runs once it is started.
type identities struct {
	mu      sync.Mutex // guards byKey
	byKey   map[identityKey]*identity
	running sync.WaitGroup
}

// use returns the identity of an environment, for a caller that will release it.
func (ids *identities) use(k identityKey, c config.Environment, log *slog.Logger) (*identity, error) {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	id := ids.byKey[k]
	if id == nil {
		var err error
		if id, err = ids.make(k, c, log); err != nil {
			return nil, err
		}
		ids.byKey[k] = id
	}
	id.uses++
	return id, nil
}

// make returns a new identity. One that is there already for the same
// application hands its token on. Callers hold mu.
func (ids *identities) make(k identityKey, c config.Environment, log *slog.Logger) (*identity, error) {
	roots, err := c.Roots()
	if err != nil {
		return nil, err
	}
	s, err := newSource(c.Credential, roots, log)
	if err != nil {
		return nil, err
	}
	id := &identity{key: k, source: s}
	watch := &certificateWatch{expires: id.expires, log: log}
	id.own = []func(tokencache.Renewal){watch.look, usesNext(s, log)}
	id.cache = tokencache.New(s, tokencache.Options{
		RenewAt:   k.renewAt,
		Changed:   s.Changed,
		OnRenewal: id.told,
		Store:     k.state.store(c.Credential, log),
		Logger:    log,
	})
	for _, other := range ids.byKey {
		if storedAs(other.key.credential) == storedAs(k.credential) {
			id.cache.Inherit(other.cache)
		}
	}
	return id, nil
}

// start has the identity's token kept fresh, if it is not yet, and its renewals
// told to users from now on.
func (ids *identities) start(id *identity, users []func(tokencache.Renewal)) {
	id.users.Store(&users)
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if id.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	id.stop = stop
	ids.running.Go(func() { id.cache.Run(ctx) })
}

// release ends what one use has begun, and with the last of them the identity.
func (ids *identities) release(id *identity) {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if id.uses--; id.uses > 0 {
		return
	}
	delete(ids.byKey, id.key)
	if id.stop != nil {
		id.stop()
	}
}

// stop ends all identities, and waits for that.
func (ids *identities) stop() {
	ids.mu.Lock()
	for _, id := range ids.byKey {
		if id.stop != nil {
			id.stop()
		}
	}
	ids.mu.Unlock()
	ids.running.Wait()
}
