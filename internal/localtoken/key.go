package localtoken

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// A use is what a value that looks like a JWT is for. Each has keys of its own,
// so that none can be taken for another.
type use string

const (
	access  use = "access"
	refresh use = "refresh"
)

// maxToken is more than any token that is issued, in bytes.
const maxToken = 16 << 10

var encoding = base64.RawURLEncoding

// A key signs the tokens of one client, for one use, while it has one secret.
type key struct {
	client string
	use    use
	header string    // first part of its tokens, the same in all; names the key
	states sync.Pool // of *signer: a keyed HMAC costs more to make than to use
}

// newKey derives a key (RFC 5869) from a client's secret. The environment, the
// client and the use are bound into it by its info; nothing of a token need be
// compared with them later.
func newKey(environment, client, secret string, u use) *key {
	derive := func(what string, length int) []byte {
		info := fmt.Sprintf("dvproxy local token 1 %s %s %q %q", what, u, environment, strings.ToLower(client))
		out, err := hkdf.Key(sha256.New, []byte(secret), nil, info, length)
		if err != nil { // only if too long a key is wanted
			panic(err)
		}
		return out
	}
	const idSize = 12
	header := fmt.Sprintf(`{"typ":"JWT","alg":"HS256","kid":%q}`, encoding.EncodeToString(derive("id", idSize)))
	secretKey := derive("key", sha256.Size)
	k := &key{client: client, use: u, header: encoding.EncodeToString([]byte(header))}
	k.states.New = func() any { return &signer{mac: hmac.New(sha256.New, secretKey)} }
	return k
}

// mint signs claims. RFC 7515 3.1, with HS256.
func (k *key) mint(claims any) string {
	payload, err := json.Marshal(claims)
	if err != nil { // strings and numbers
		panic(err)
	}
	s := k.states.Get().(*signer)
	defer k.states.Put(s)
	signed := k.header + "." + encoding.EncodeToString(payload)
	return signed + "." + string(s.sign(signed))
}

// signs says whether signature is this key's for the two parts before it.
// Signatures are compared as they are written, so that each has one spelling.
func (k *key) signs(parts, signature string) bool {
	s := k.states.Get().(*signer)
	defer k.states.Put(s)
	want := s.sign(parts)
	s.given = append(s.given[:0], signature...)
	return subtle.ConstantTimeCompare(want, s.given) == 1
}

// A signer is the reusable memory of one signature.
type signer struct {
	mac     hash.Hash
	text    []byte
	sum     []byte
	encoded []byte
	given   []byte
}

// sign returns the signature of a text, good until the next call.
func (s *signer) sign(text string) []byte {
	s.mac.Reset()
	s.text = append(s.text[:0], text...)
	s.mac.Write(s.text)
	s.sum = s.mac.Sum(s.sum[:0])
	s.encoded = encoding.AppendEncode(s.encoded[:0], s.sum)
	return s.encoded
}
