// Package tokenstore keeps one token per identity on disk, encrypted, so that a
// process that is started while the token endpoint is down has one.
//
// An entry is a file in the folder tokens below the one that is given. It is
// sealed with AES-256-GCM under a key that is derived by HKDF from a secret
// which the machine has anyway (see [Keys]), and bound to the identity that the
// token is for. Who can read the file but not the secret has nothing; who can
// write it can make it useless and no more.
//
// Nothing in the folder is trusted. Links are not followed, only regular files
// that belong to this account and are open to no other are read, up to a
// bound, and whatever is not an entry sealed for this identity is reported once
// and replaced by the next token. An entry is written under another name,
// flushed to the disk and then renamed, so it is there whole or not at all, and
// processes may share a folder.
//
// A [Store] has no part in deciding whether a token is still good.
package tokenstore

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"
)

// An Identity is who a token was issued to, by whom and for what.
type Identity struct {
	Authority string // that issued it, such as the URL of a token endpoint
	ClientID  string
	Scope     string
}

// Keys returns the secrets that entries may be sealed with, as they are now; the
// first is the one that new entries get. They should not be guessable: a
// client secret, a private key or 32 random bytes, not a password. The error is
// logged, so it holds none of them.
type Keys func() ([][]byte, error)

// An Entry is what is kept of a token.
type Entry struct {
	Token     string
	Sent      time.Time // when its request was sent
	Boot      string    // which run of the machine that was in; may be empty
	Uptime    time.Duration
	Lifetime  time.Duration // from Sent
	Full      time.Duration // lifetime when it was first issued
	RefreshIn time.Duration // after which the server wants it renewed; may be 0
}

func (e Entry) expires() time.Time { return e.Sent.Add(e.Lifetime) }

// A Store keeps the token of one identity. Failures are logged, each kind once
// in a row, and cost no more than what a restart without a store costs.
type Store struct {
	dir      string
	identity Identity
	keys     Keys
	log      *slog.Logger

	mu       sync.Mutex // guards what follows
	reported string     // the latest failure to be logged
}

// New returns a store in a folder, which it makes when there is something to
// keep. The logger may be nil.
func New(dir string, identity Identity, keys Keys, log *slog.Logger) *Store {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Store{dir: dir, identity: identity, keys: keys, log: log}
}

// Load returns the entry that is kept; false if there is none that can be read.
// Where each of several keys has one, that which expires last counts.
func (s *Store) Load() (found Entry, ok bool) {
	keys, err := s.sealers()
	if err != nil {
		s.report("no kept token can be read", err)
		return Entry{}, false
	}
	f, err := openFolder(s.dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		return Entry{}, false // nothing was ever kept
	}
	if err != nil {
		s.report("no kept token can be read", err)
		return Entry{}, false
	}
	defer f.close()
	for _, key := range keys {
		e, err := f.entry(key)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			s.report("a kept token is ignored, and will be replaced by the next", err)
		case !ok || e.expires().After(found.expires()):
			found, ok = e, true
		}
	}
	f.prune(time.Now(), keys)
	return found, ok
}

// Save keeps an entry in place of the one before.
func (s *Store) Save(e Entry) {
	keys, err := s.sealers()
	if err == nil {
		err = s.save(e, keys)
	}
	s.report("the token is not kept for a restart", err)
}

func (s *Store) save(e Entry, keys []sealer) error {
	f, err := openFolder(s.dir, true)
	if err != nil {
		return err
	}
	defer f.close()
	sealed, err := keys[0].seal(e)
	if err != nil {
		return err
	}
	if err := f.write(keys[0].name(), sealed); err != nil {
		return err
	}
	f.prune(time.Now(), keys)
	return nil
}

// Forget removes the entries that hold the token. An entry with another one, of
// another process perhaps, stays.
func (s *Store) Forget(token string) {
	keys, err := s.sealers()
	if err == nil {
		err = s.forget(token, keys)
	}
	s.report("a token that was refused may be kept", err)
}

func (s *Store) forget(token string, keys []sealer) error {
	f, err := openFolder(s.dir, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.close()
	for _, key := range keys {
		if e, err := f.entry(key); err == nil && e.Token == token {
			if err := f.remove(key.name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// sealers are the keys as they are now, one at least.
func (s *Store) sealers() ([]sealer, error) {
	keys, err := s.keys()
	if err != nil {
		return nil, fmt.Errorf("the key for it cannot be had: %w", err)
	}
	var all []sealer
	for _, key := range keys {
		if len(key) == 0 {
			continue
		}
		k, err := newSealer(key, s.identity)
		if err != nil {
			return nil, fmt.Errorf("a key for it cannot be derived: %w", err)
		}
		all = append(all, k)
	}
	if len(all) == 0 {
		return nil, errors.New("the key for it is empty")
	}
	return all, nil
}

// report logs a failure, unless the one before was the same. A nil error ends
// the row.
func (s *Store) report(what string, err error) {
	text := ""
	if err != nil {
		text = what + err.Error()
	}
	s.mu.Lock()
	again := text == s.reported
	s.reported = text
	s.mu.Unlock()
	if err != nil && !again {
		s.log.Warn("trouble with a token on disk", slog.String("problem", what), slog.Any("error", err), slog.String("state_dir", s.dir))
	}
}

// randomName is good for a file that is not there yet.
func randomName() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // which never fails
	return temporary + hex.EncodeToString(b[:])
}
