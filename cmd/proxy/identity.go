package main

import (
	"log/slog"
	"sync"
	"time"

	"dvproxy/internal/config"
	"dvproxy/internal/tokencache"
)

// An identity is an application that dvproxy signs in as, for a scope, with
// its token. Environments that ask for the same share one.
type identity struct {
	source source
	cache  *tokencache.Cache

	mu    sync.Mutex // guards users
	users []func(tokencache.Renewal)
}

// told tells everybody who uses the identity of a renewal.
func (id *identity) told(r tokencache.Renewal) {
	id.mu.Lock()
	users := id.users
	id.mu.Unlock()
	for _, user := range users {
		user(r)
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

// identities are those of a process.
type identities struct {
	byKey   map[identityKey]*identity
	renewAt map[identityKey]float64 // the soonest that one of its environments wants
	state   state
}

// An identityKey tells identities apart, by the values of secrets and not by
// where they stand.
type identityKey struct {
	credential       config.Credential // without its secrets
	secret, password string
	caFile           string
}

func keyOf(e config.Environment) identityKey {
	c := e.Credential
	k := identityKey{secret: c.ClientSecret.Reveal(), password: c.CertificatePassword.Reveal(), caFile: e.CAFile}
	c.ClientSecret, c.CertificatePassword = config.Secret{}, config.Secret{}
	k.credential = c
	return k
}

func newIdentities(c *config.Config) *identities {
	ids := &identities{map[identityKey]*identity{}, map[identityKey]float64{}, state{c.StateDir, c.KeyFile}}
	for _, e := range c.Environments {
		k := keyOf(e)
		if at, ok := ids.renewAt[k]; !ok || e.RenewAt < at {
			ids.renewAt[k] = e.RenewAt
		}
	}
	return ids
}

// of returns the identity of an environment, whose renewals user is told of.
func (ids *identities) of(c config.Environment, user func(tokencache.Renewal), log *slog.Logger) (*identity, error) {
	k := keyOf(c)
	id := ids.byKey[k]
	if id == nil {
		roots, err := c.Roots()
		if err != nil {
			return nil, err
		}
		s, err := newSource(c.Credential, roots, log)
		if err != nil {
			return nil, err
		}
		id = &identity{source: s}
		watch := &certificateWatch{expires: id.expires, log: log}
		id.users = append(id.users, watch.look, usesNext(s, log))
		id.cache = tokencache.New(s, tokencache.Options{
			RenewAt:   ids.renewAt[k],
			Changed:   s.Changed,
			OnRenewal: id.told,
			Store:     ids.state.store(c.Credential, log),
			Logger:    log,
		})
		ids.byKey[k] = id
	}
	id.mu.Lock()
	defer id.mu.Unlock()
	id.users = append(id.users, user)
	return id, nil
}

// usesNext tells when the next client secret takes over from the current one.
func usesNext(s source, log *slog.Logger) func(tokencache.Renewal) {
	var used bool
	return func(tokencache.Renewal) {
		next, ok := s.(interface{ UsesNext() bool })
		if !ok || next.UsesNext() == used {
			return
		}
		if used = !used; used {
			log.Warn("the current client secret is refused, and the next one is in use; make it the current one")
		}
	}
}

// A certificateWatch warns of a certificate that ends soon, once a day.
type certificateWatch struct {
	expires func() time.Time
	log     *slog.Logger
	warned  time.Time
}

// look is called after each fetch of a token, which has read the certificate.
func (w *certificateWatch) look(tokencache.Renewal) {
	const soon, again = 30 * 24 * time.Hour, 24 * time.Hour
	at := w.expires()
	if at.IsZero() || time.Until(at) > soon || time.Since(w.warned) < again {
		return
	}
	w.warned = time.Now()
	w.log.Warn("the certificate that dvproxy signs in with expires soon; register a new one with the application, then replace the file",
		slog.Time("expires", at), slog.Int("days_left", max(0, int(time.Until(at)/again))))
}
