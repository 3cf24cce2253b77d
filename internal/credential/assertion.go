package credential

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is defined by SHA-1; it names a certificate and protects nothing
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// assertionLife is how long an assertion is good for: Microsoft's certificate
// credentials page asks for five to ten minutes.
const assertionLife = 10 * time.Minute

// assertionHeader is what names the key. RFC 7515 4.1. Both thumbprints are
// there: Entra reads x5t#S256, AD FS and older authorities x5t.
type assertionHeader struct {
	Algorithm string   `json:"alg"`
	Type      string   `json:"typ"`
	SHA256    string   `json:"x5t#S256"`
	SHA1      string   `json:"x5t"`
	Chain     [][]byte `json:"x5c,omitempty"` // leaf first, in standard base64
}

// RFC 7523 3.
type assertionClaims struct {
	Audience  string `json:"aud"`
	Issuer    string `json:"iss"`
	Subject   string `json:"sub"`
	ID        string `json:"jti"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
}

// assertion is a JWT by which the holder of the certificate's key signs in to
// the token endpoint as the client. Each is used once.
func (s *ClientCertificate) assertion(c *Certificate, now time.Time) (string, error) {
	header := assertionHeader{Algorithm: "PS256", Type: "JWT", SHA256: c.SHA256(), SHA1: c.SHA1()}
	if s.o.RS256 {
		header.Algorithm = "RS256"
	}
	if s.o.SendChain {
		for _, certificate := range c.chain {
			header.Chain = append(header.Chain, certificate.Raw)
		}
	}
	claims := assertionClaims{
		Audience: s.app.endpoint, Issuer: s.app.clientID, Subject: s.app.clientID, ID: newID(),
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(assertionLife).Unix(),
	}
	first, err := segment(header)
	if err != nil {
		return "", err
	}
	second, err := segment(claims)
	if err != nil {
		return "", err
	}
	text := first + "." + second
	digest := sha256.Sum256([]byte(text))
	var signature []byte
	if s.o.RS256 {
		signature, err = rsa.SignPKCS1v15(rand.Reader, c.key, crypto.SHA256, digest[:])
	} else {
		// RFC 7518 3.5: the salt is as long as the hash.
		signature, err = rsa.SignPSS(rand.Reader, c.key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}
	if err != nil {
		return "", fmt.Errorf("sign the client assertion: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func segment(v any) (string, error) {
	text, err := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text), err
}

// SHA1 is the certificate's thumbprint as x5t has it, base64url. RFC 7515 4.1.7.
func (c *Certificate) SHA1() string {
	sum := sha1.Sum(c.chain[0].Raw) //nolint:gosec // see the import
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// SHA256 is the certificate's thumbprint as x5t#S256 has it, base64url. RFC
// 7515 4.1.8.
func (c *Certificate) SHA256() string {
	sum := sha256.Sum256(c.chain[0].Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// newID is a random UUID. RFC 9562 5.4.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its documentation
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}
