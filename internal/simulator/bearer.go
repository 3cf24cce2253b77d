package simulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Reasons why a request's token is not good, as [Stats] counts them.
const (
	refusedMissing   = "missing"
	refusedMalformed = "malformed"
	refusedSignature = "signature"
	refusedAudience  = "audience"
	refusedEarly     = "not_yet_valid"
	refusedExpired   = "expired"
	refusedRevoked   = "revoked"
	refusedUnknown   = "unknown"
)

// verdict is what Dataverse thinks of a request's token.
type verdict struct {
	refusal string // empty for a good token
	token   issuedToken
}

// dead tells whether the token had been good once.
func (v verdict) dead() bool { return v.refusal == refusedExpired || v.refusal == refusedRevoked }

// judge checks the bearer token of a request that arrived at now.
func (t *Tenant) judge(r *http.Request, now time.Time) verdict {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return verdict{refusal: refusedMissing}
	}
	scheme, raw, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || raw == "" {
		return verdict{refusal: refusedMissing}
	}
	payload, err := t.signer.verify(raw)
	if errors.Is(err, errBadSignature) {
		return verdict{refusal: refusedSignature}
	}
	var claims accessClaims
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return verdict{refusal: refusedMalformed}
	}
	token, known := t.tokens.find(claims.UniqueTokenID)
	return verdict{refusal: t.refusal(r, claims, token, known, now), token: token}
}

func (t *Tenant) refusal(r *http.Request, claims accessClaims, token issuedToken, known bool, now time.Time) string {
	switch {
	case !t.acceptsAudience(claims.Audience, t.requestOrigin(r)):
		return refusedAudience
	case now.Unix() < claims.NotBefore:
		return refusedEarly
	case now.Unix() >= claims.Expires, known && !now.Before(token.expires):
		return refusedExpired
	case !known:
		return refusedUnknown
	case token.revoked:
		return refusedRevoked
	}
	return ""
}

// challenge is the value of WWW-Authenticate for a request without a good
// token. Dataverse quotes nothing and ends resource_id with a slash.
func (t *Tenant) challenge(r *http.Request, missing bool) string {
	const invalid = "error=invalid_token, error_description=Error during token validation!, "
	value := "Bearer "
	if !missing {
		value += invalid
	}
	return value + "authorization_uri=" + t.authorizeURL() + ", resource_id=" + t.requestOrigin(r) + "/"
}

// claimsChallenge is the value of WWW-Authenticate that asks for a token with
// these claims; here the values are quoted.
func (t *Tenant) claimsChallenge(claims string) string {
	return `Bearer realm="", authorization_uri="` + t.authorizeURL() +
		`", error="insufficient_claims", claims="` + encodeClaims(claims) + `"`
}

func (t *Tenant) authorizeURL() string {
	return t.authorityOrigin() + "/" + t.opts.TenantID + "/oauth2/authorize"
}
