package localtoken

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// reread is the age from which secrets are read again: the longest that a
	// secret outlives its change.
	reread = time.Second
	// rereadWrong is the same where a credential turned out wrong. A secret
	// that has just changed works at once, and guesses cost few reads.
	rereadWrong = 50 * time.Millisecond
)

// A keyring keeps the keys of all clients in step with their secrets.
type keyring struct {
	environment string
	clients     []Client
	log         *slog.Logger
	ring        atomic.Pointer[ring]

	mu      sync.Mutex    // guards reading
	reading chan struct{} // closed at the end of the reading under way; nil if there is none
}

func newKeyring(environment string, clients []Client, log *slog.Logger) *keyring {
	k := &keyring{environment: environment, clients: clients, log: log}
	k.ring.Store(k.readAll(&ring{members: make([]member, len(clients))}))
	return k
}

// current is the ring that is not older than a second, or than the reading
// which another request has begun.
func (k *keyring) current() *ring {
	r := k.ring.Load()
	if time.Since(r.read) < reread {
		return r
	}
	done, ours := k.begin()
	if !ours {
		return r
	}
	return k.finish(done)
}

// after is the ring to try when r has turned out not to know a credential. It
// is r again if there is none newer yet.
func (k *keyring) after(ctx context.Context, r *ring) *ring {
	if now := k.ring.Load(); now != r || time.Since(r.read) < rereadWrong {
		return now
	}
	done, ours := k.begin()
	if ours {
		return k.finish(done)
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	return k.ring.Load()
}

func (k *keyring) begin() (done chan struct{}, ours bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reading != nil {
		return k.reading, false
	}
	k.reading = make(chan struct{})
	return k.reading, true
}

// finish reads, and lets those go on that wait for it.
func (k *keyring) finish(done chan struct{}) *ring {
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.reading = nil
		close(done)
	}()
	r := k.readAll(k.ring.Load())
	k.ring.Store(r)
	return r
}

// readAll reads all secrets. What has not changed is taken from the ring before.
func (k *keyring) readAll(before *ring) *ring {
	r := &ring{keys: map[string]*key{}}
	for n, c := range k.clients {
		m := k.read(c, before.members[n])
		for _, s := range m.secrets {
			r.keys[s.access.header] = s.access
			r.keys[s.refresh.header] = s.refresh
		}
		r.members = append(r.members, m)
	}
	r.read = time.Now() // by now, since a slow reading must not be followed by another at once
	return r
}

// read reads the secrets of one client. One that cannot be read now stays as
// it was before: a file that is being replaced locks nobody out.
func (k *keyring) read(c Client, before member) member {
	m := member{name: c.ID, id: digestOf(strings.ToLower(c.ID))}
	if secret, err := c.Secret(); err == nil && secret != "" {
		m.secrets = append(m.secrets, k.keys(c, secret, before))
	} else {
		m.problem = problem(err)
		m.secrets = append(m.secrets, before.secrets[:min(1, len(before.secrets))]...)
	}
	if c.Previous != nil {
		if secret, err := c.Previous(); err != nil {
			m.problem = problem(err)
			m.secrets = append(m.secrets, before.secrets[min(1, len(before.secrets)):]...)
		} else if secret != "" {
			m.secrets = append(m.secrets, k.keys(c, secret, before))
		}
	}
	if m.problem != "" && m.problem != before.problem {
		k.log.Warn("the secret of a client cannot be read; the one before it, if there was one, stays in use",
			slog.String("client", c.ID), slog.String("error", m.problem))
	}
	return m
}

// problem is never empty.
func problem(err error) string {
	if err == nil || err.Error() == "" {
		return "the secret is empty"
	}
	return err.Error()
}

// keys derives the keys of a secret, unless it was there before.
func (k *keyring) keys(c Client, secret string, before member) secretKeys {
	for _, s := range before.secrets {
		if s.secret == secret {
			return s
		}
	}
	return secretKeys{
		secret:  secret,
		digest:  digestOf(secret),
		access:  newKey(k.environment, c.ID, secret, access),
		refresh: newKey(k.environment, c.ID, secret, refresh),
	}
}
