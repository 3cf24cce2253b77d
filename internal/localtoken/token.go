package localtoken

import (
	"encoding/json"
	"strings"
	"time"
)

// skew is how much earlier than its issue a token is good from, as in Entra's.
// Replicas whose clocks differ by less honour one another's tokens at once.
const skew = 5 * time.Minute

// claims are those of Entra's tokens for Dataverse (version 1.0), as far as
// clients are known to read them. The first two stand first: see [validity].
type claims struct {
	Expires   int64  `json:"exp"`
	NotBefore int64  `json:"nbf"`
	Issued    int64  `json:"iat"`
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	AppID     string `json:"appid"`
	AppIDACR  string `json:"appidacr"` // 1: by secret
	ObjectID  string `json:"oid"`
	Subject   string `json:"sub"`
	TenantID  string `json:"tid"`
	UserName  string `json:"upn,omitempty"`
	Version   string `json:"ver"`
}

// validity reads the claims that a payload of ours begins with,
// {"exp":N,"nbf":N, in seconds since 1970. Only what has the right signature
// comes here, so it is not malformed; were it, ok would be false.
func validity(payload string) (expires, notBefore int64, ok bool) {
	const enough = 64 // characters for 48 bytes, a whole number of groups
	var text [enough * 3 / 4]byte
	n, err := encoding.Decode(text[:], []byte(payload[:min(len(payload), enough)]))
	if err != nil {
		return 0, 0, false
	}
	rest := text[:n]
	if expires, rest, ok = number(rest, `{"exp":`); !ok {
		return 0, 0, false
	}
	notBefore, _, ok = number(rest, `,"nbf":`)
	return expires, notBefore, ok
}

// number reads a prefix and the digits after it, up to the comma.
func number(text []byte, prefix string) (n int64, rest []byte, ok bool) {
	const most = 15 // digits, far from an overflow
	if len(text) < len(prefix) || string(text[:len(prefix)]) != prefix {
		return 0, nil, false
	}
	rest = text[len(prefix):]
	for i, c := range rest {
		switch {
		case c == ',' && i > 0:
			return n, rest[i:], true
		case c < '0' || c > '9' || i == most:
			return 0, nil, false
		}
		n = n*10 + int64(c-'0')
	}
	return 0, nil, false
}

// A verdict on a token.
type verdict int

const (
	unknown verdict = iota // no token of ours, or of another key
	good
	expired
	early // its time has not begun
)

// check looks at a token for one use. It returns the name of the client that
// it was issued to, if it has our signature.
func (r *ring) check(token string, u use, now time.Time) (client string, v verdict) {
	if len(token) > maxToken {
		return "", unknown
	}
	first, last := strings.IndexByte(token, '.'), strings.LastIndexByte(token, '.')
	if first < 0 || first == last {
		return "", unknown
	}
	// The header is not read but must be one that we write, byte for byte, so a
	// token cannot say how it wants to be checked.
	k := r.keys[token[:first]]
	if k == nil || k.use != u || !k.signs(token[:last], token[last+1:]) {
		return "", unknown
	}
	expires, notBefore, ok := validity(token[first+1 : last])
	at := now.Unix()
	switch {
	case !ok:
		return "", unknown
	case at >= expires:
		return k.client, expired
	case at < notBefore:
		return k.client, early
	}
	return k.client, good
}

// payloadOf decodes the claims of a token without a look at its signature;
// they are empty where it is none.
func payloadOf(token string) (c claims) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return claims{}
	}
	payload, err := encoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return claims{}
	}
	return c
}
