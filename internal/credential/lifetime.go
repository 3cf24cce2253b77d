package credential

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
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

// lifetimeOf is a JWT's exp - iat (RFC 7519 4.1), in seconds, or
// unknownLifetime if the token is not a JWT or does not say.
func lifetimeOf(token string) int64 {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return unknownLifetime
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return unknownLifetime
	}
	var claims struct {
		Expires  json.Number `json:"exp"`
		IssuedAt json.Number `json:"iat"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return unknownLifetime
	}
	exp, err1 := claims.Expires.Float64()
	iat, err2 := claims.IssuedAt.Float64()
	if err1 != nil || err2 != nil || exp-iat < 1 {
		return unknownLifetime
	}
	return int64(min(exp-iat, maxLifetime))
}
