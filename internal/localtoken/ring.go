package localtoken

import (
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"
)

// A ring is all keys as they were at one time. It is not changed.
type ring struct {
	read    time.Time
	members []member
	keys    map[string]*key // by the header of the tokens that they sign
}

// A member is a client with its secrets as they were read.
type member struct {
	name    string
	id      digest       // of the name, in lower case
	secrets []secretKeys // the current one first; none while it was never read
	problem string       // why a secret could not be read; empty if all could
}

// A secretKeys is a secret and what is derived from it.
type secretKeys struct {
	secret  string
	digest  digest
	access  *key
	refresh *key
}

type digest [sha256.Size]byte

func digestOf(s string) digest { return sha256.Sum256([]byte(s)) }

// match returns the client that has this id and one of these secrets; nil if
// there is none. It compares with every secret of every client whatever it
// finds, so that the time it takes tells neither which ids there are nor how
// much of a secret was right.
func (r *ring) match(id string, secrets ...string) *member {
	return r.compare(digestOf(strings.ToLower(id)), false, secrets)
}

// owner returns the client that has this secret; nil if there is none.
func (r *ring) owner(secret string) *member {
	return r.compare(digest{}, true, []string{secret})
}

func (r *ring) compare(id digest, anyID bool, secrets []string) *member {
	found := -1
	any := 0
	if anyID {
		any = 1
	}
	for _, secret := range secrets {
		given := digestOf(secret)
		for n := range r.members {
			m := &r.members[n]
			right := 0
			for s := range m.secrets {
				right |= subtle.ConstantTimeCompare(given[:], m.secrets[s].digest[:])
			}
			right &= any | subtle.ConstantTimeCompare(id[:], m.id[:])
			found = subtle.ConstantTimeSelect(right, n, found)
		}
	}
	if found < 0 {
		return nil
	}
	return &r.members[found]
}
