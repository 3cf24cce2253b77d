package simulator

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// An assertion is a JWT by which a client proves who it is. RFC 7523.
type assertion struct {
	header struct {
		Type      string   `json:"typ"`
		Algorithm string   `json:"alg"`
		KeyID     string   `json:"kid"`
		SHA1      string   `json:"x5t"`
		SHA256    string   `json:"x5t#S256"`
		Chain     [][]byte `json:"x5c"`
	}
	claims struct {
		Issuer    string          `json:"iss"`
		Subject   string          `json:"sub"`
		Audience  json.RawMessage `json:"aud"` // a string or a list of them
		NotBefore float64         `json:"nbf"`
		Expires   float64         `json:"exp"`
	}
	audiences []string
	signed    []byte
	signature []byte
}

// parseAssertion takes a JWT apart; nothing of it is to be believed yet.
func parseAssertion(raw string) (*assertion, *entraError) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, refused(errMalformedAssertion)
	}
	var a assertion
	for i, into := range []any{&a.header, &a.claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			return nil, refused(errMalformedAssertion)
		}
	}
	var err error
	if a.signature, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return nil, refused(errMalformedAssertion)
	}
	a.signed = []byte(parts[0] + "." + parts[1])
	if json.Unmarshal(a.claims.Audience, &a.audiences) != nil {
		a.audiences = make([]string, 1)
		if json.Unmarshal(a.claims.Audience, &a.audiences[0]) != nil {
			return nil, refused(errMalformedAssertion)
		}
	}
	if a.header.Type != "" && !strings.EqualFold(a.header.Type, "JWT") {
		return nil, refused(errAssertionType)
	}
	return &a, nil
}

// checkAssertion returns nil if the assertion proves that the client is the
// tenant's application: by one of its certificates, or by the word of an issuer
// that it trusts. Endpoints are the URLs by which this token endpoint is known.
// An assertion may be used again until it expires, as MSAL does.
func (t *Tenant) checkAssertion(raw, clientID string, endpoints []string, now time.Time) *entraError {
	a, refusal := parseAssertion(raw)
	if refusal != nil {
		return refusal
	}
	if strings.Contains(a.claims.Issuer, "://") {
		return t.checkFederated(a, now)
	}
	return t.checkCertified(a, clientID, endpoints, now)
}

func (t *Tenant) checkCertified(a *assertion, clientID string, endpoints []string, now time.Time) *entraError {
	if !strings.EqualFold(a.claims.Issuer, clientID) {
		return refused(errAssertionClient)
	}
	if !strings.EqualFold(a.claims.Subject, a.claims.Issuer) {
		return refused(errAssertionSubject)
	}
	if bytes.HasPrefix(bytes.TrimSpace(a.claims.Audience), []byte("[")) {
		return refused(errMalformedAssertion) // a list is refused: node-openid-client issue 348
	}
	if !slices.ContainsFunc(endpoints, func(e string) bool { return strings.EqualFold(e, a.audiences[0]) }) {
		return refused(errAssertionAudience)
	}
	certificate, reason := t.trust.certificate(a)
	if certificate == nil {
		return t.refuseSignature(reason)
	}
	key, ok := certificate.PublicKey.(*rsa.PublicKey)
	if !ok || !a.hasKnownAlgorithm() {
		return refused(errAssertionAlgorithm)
	}
	if !a.isSignedBy(key) {
		return t.refuseSignature("The provided signature value did not match the expected signature value., Thumbprint of key used by client: '" + hexThumbprint(certificate) + "'")
	}
	if now.After(certificate.NotAfter) || now.Before(certificate.NotBefore) {
		const form = "01/02/2006 15:04:05"
		return t.refuseSignature("The key used is expired., Thumbprint of key used by client: '" + hexThumbprint(certificate) +
			"', Found key 'Start=" + certificate.NotBefore.Format(form) + ", End=" + certificate.NotAfter.Format(form) + "'")
	}
	return a.checkTime(now)
}

func (t *Tenant) refuseSignature(reason string) *entraError {
	return refused(errAssertion.with(reason, t.opts.ClientID))
}

// checkTime allows nothing for clocks that differ: what passes here passes
// where more is allowed.
func (a *assertion) checkTime(now time.Time) *entraError {
	from, until := fromSeconds(a.claims.NotBefore), fromSeconds(a.claims.Expires)
	if now.Before(from) || !now.Before(until) {
		const form = "2006-01-02T15:04:05.0000000Z"
		return refused(errAssertionTime.with(now.UTC().Format(form), from.UTC().Format(form), until.UTC().Format(form)))
	}
	return nil
}

func fromSeconds(s float64) time.Time { return time.Unix(int64(s), 0) }

func (a *assertion) hasKnownAlgorithm() bool {
	return a.header.Algorithm == "RS256" || a.header.Algorithm == "PS256"
}

// isSignedBy checks with the algorithm that the header names. RFC 7518 3.3, 3.5.
func (a *assertion) isSignedBy(key *rsa.PublicKey) bool {
	digest := sha256.Sum256(a.signed)
	switch a.header.Algorithm {
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], a.signature) == nil
	case "PS256":
		return rsa.VerifyPSS(key, crypto.SHA256, digest[:], a.signature, &rsa.PSSOptions{SaltLength: sha256.Size}) == nil
	}
	return false
}

// names says whether the header names the certificate, and nothing else. The
// thumbprints come in base64 or base64url, padded or not: MSAL Go sends
// x5t#S256 in the one, Microsoft's page shows the other.
func (a *assertion) names(c *x509.Certificate) bool {
	short, long := sha1.Sum(c.Raw), sha256.Sum256(c.Raw)
	if a.header.SHA1 == "" && a.header.SHA256 == "" {
		return strings.EqualFold(a.header.KeyID, hex.EncodeToString(short[:]))
	}
	return (a.header.SHA1 == "" || isBase64Of(a.header.SHA1, short[:])) &&
		(a.header.SHA256 == "" || isBase64Of(a.header.SHA256, long[:])) &&
		(len(a.header.Chain) == 0 || bytes.Equal(a.header.Chain[0], c.Raw))
}

func isBase64Of(text string, want []byte) bool {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return text == base64.RawStdEncoding.EncodeToString(want)
}

func hexThumbprint(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
