package credential

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// unknownLifetime, in seconds, is assumed of a token when neither the answer
// nor the token itself tells.
const unknownLifetime = 300

// maxLifetime, in seconds, keeps a junk answer from becoming a token for ever.
const maxLifetime = 7 * 24 * 3600

// seconds reads a count of seconds above 0 that came as a JSON number (v2.0
// endpoint) or a string (v1 endpoint, managed identity).
func seconds(v any) (int64, bool) {
	var n float64
	switch v := v.(type) {
	case float64:
		n = v
	case string:
		n, _ = strconv.ParseFloat(v, 64)
	case int64: // x/oauth2 converts the values of a form-encoded answer
		n = float64(v)
	}
	if !(n >= 1) { // not a number either
		return 0, false
	}
	return int64(min(n, maxLifetime)), true
}

// lifetimeOf is how long a JWT (RFC 7519 4.1) lives from the moment its request
// was sent, in seconds, or unknownLifetime if the token is not a JWT or does
// not say. Entra dates its tokens five minutes back, so exp - iat is that much
// too long; exp - sent is right if our clock is. The shorter one is believed.
func lifetimeOf(token string, sent time.Time) int64 {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return unknownLifetime
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return unknownLifetime
	}
	var claims struct {
		Expires  float64 `json:"exp"`
		IssuedAt float64 `json:"iat"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return unknownLifetime
	}
	lifetime := min(claims.Expires-claims.IssuedAt, claims.Expires-float64(sent.Unix()))
	if claims.IssuedAt == 0 || lifetime < 1 {
		return unknownLifetime
	}
	return int64(min(lifetime, maxLifetime))
}
