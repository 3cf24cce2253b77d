package tokenstore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// An entry's file, version 1:
//
//	magic    8 bytes, "dvptok" and the version
//	expires  8 bytes, seconds since 1970, big endian
//	salt     32 bytes, random
//	sealed   a nonce of 12 random bytes, JSON under AES-256-GCM, a tag of 16
//
// The header is in the open for the sake of who cleans up without the key, and
// is authenticated with the rest. Each entry has a key of its own, derived with
// its salt, so a nonce would meet the same key again only if 44 random bytes
// came twice.
const (
	magic      = "dvptok\x00\x01"
	saltSize   = 32
	headerSize = len(magic) + 8 + saltSize
	maxSize    = 512 << 10 // of a file; a token with many roles has some tens of KiB
)

// A sealer seals and opens the entries of one identity with one key.
type sealer struct {
	root    []byte // pseudorandom key, RFC 5869 2.2
	binding []byte // the identity
}

// newSealer returns the sealer for a key. The error is that the key is too short
// for a process that is held to FIPS 140.
func newSealer(key []byte, id Identity) (sealer, error) {
	root, err := hkdf.Extract(sha256.New, key, []byte("dvproxy token store"))
	if err != nil {
		return sealer{}, err
	}
	return sealer{root, id.binding()}, nil
}

// binding tells identities apart: each part with its length, so that none can
// run into the next.
func (id Identity) binding() []byte {
	var b []byte
	for _, part := range []string{magic, id.Authority, id.ClientID, id.Scope} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part))) //nolint:gosec // settings are no 4 GiB
		b = append(b, part...)
	}
	return b
}

// derive makes n bytes for a use. RFC 5869 2.3.
func (k sealer) derive(use string, more []byte, n int) []byte {
	info := append(append([]byte(use+"\x00"), more...), k.binding...)
	out, err := hkdf.Expand(sha256.New, k.root, string(info), n)
	if err != nil {
		panic(err) // n is a constant far below the limit
	}
	return out
}

// name is that of the entry's file: the identity, and an id of the key that
// tells nothing of it. Processes with an old and a new secret thus have an
// entry each.
func (k sealer) name() string {
	identity := sha256.Sum256(k.binding)
	return hex.EncodeToString(identity[:8]) + "-" + hex.EncodeToString(k.derive("id", nil, 12)) + suffix
}

func (k sealer) aead(salt []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k.derive("entry", salt, 32))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (k sealer) seal(e Entry) ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode it: %w", err)
	}
	out := binary.BigEndian.AppendUint64([]byte(magic), uint64(e.expires().Unix())) //nolint:gosec // read back as it is written
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // which never fails
	out = append(out, salt...)
	aead, err := k.aead(salt)
	if err != nil {
		return nil, err
	}
	out = aead.Seal(out, nil, text, k.authenticated(out)) //nolint:gosec // nil: it makes a random nonce itself
	if len(out) > maxSize {
		return nil, fmt.Errorf("it is over %d KiB", maxSize>>10)
	}
	return out, nil
}

// authenticated is what a tag vouches for beside the sealed text.
func (k sealer) authenticated(header []byte) []byte {
	return append(bytes.Clone(header[:headerSize]), k.binding...)
}

var (
	errNoEntry = errors.New("is no entry of this version")
	errForeign = errors.New("does not open: it was sealed with another key or for another identity, or has been changed")
)

// open returns what was sealed with this key for this identity, and else an
// error.
func (k sealer) open(file []byte) (Entry, error) {
	if _, ok := expiryOf(file); !ok || len(file) > maxSize {
		return Entry{}, errNoEntry
	}
	aead, err := k.aead(file[headerSize-saltSize : headerSize])
	if err != nil {
		return Entry{}, err
	}
	text, err := aead.Open(nil, nil, file[headerSize:], k.authenticated(file))
	if err != nil {
		return Entry{}, errForeign
	}
	var e Entry
	if err := json.Unmarshal(text, &e); err != nil {
		return Entry{}, errNoEntry // of a later dvproxy, say; its text is not shown
	}
	return e, nil
}

// expiryOf reads what a file says of itself, which only open can vouch for.
func expiryOf(file []byte) (at time.Time, ok bool) {
	if len(file) < headerSize || !bytes.HasPrefix(file, []byte(magic)) {
		return time.Time{}, false
	}
	return time.Unix(int64(binary.BigEndian.Uint64(file[len(magic):])), 0), true //nolint:gosec // written as it is read
}
