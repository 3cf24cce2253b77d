package simulator

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
)

var (
	errMalformedToken = errors.New("not a JWT of three parts")
	errBadSignature   = errors.New("the signature does not match")
)

// signer makes and checks JWTs with RS256 and one key. RFC 7515, RFC 7518 3.3.
type signer struct {
	key        *rsa.PrivateKey
	thumbprint string // stands for the certificate's, in x5t and kid
	header     string // encoded once, the same for every token
}

type jwtHeader struct {
	Type       string `json:"typ"`
	Algorithm  string `json:"alg"`
	Thumbprint string `json:"x5t"`
	KeyID      string `json:"kid"`
}

func newSigner(key *rsa.PrivateKey) *signer {
	sum := sha1.Sum(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	thumbprint := base64.RawURLEncoding.EncodeToString(sum[:])
	header, err := json.Marshal(jwtHeader{"JWT", "RS256", thumbprint, thumbprint})
	if err != nil {
		panic(err) // four strings
	}
	return &signer{key, thumbprint, base64.RawURLEncoding.EncodeToString(header)}
}

func (s *signer) sign(payload []byte) (string, error) {
	signed := s.header + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// verify returns the payload of a token that this signer made.
func (s *signer) verify(token string) ([]byte, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errMalformedToken
	}
	var decoded [3][]byte
	for i, part := range parts {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return nil, errMalformedToken
		}
		decoded[i] = b
	}
	var header jwtHeader
	if err := json.NewDecoder(bytes.NewReader(decoded[0])).Decode(&header); err != nil {
		return nil, errMalformedToken
	}
	if header.Algorithm != "RS256" {
		return nil, errBadSignature
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, digest[:], decoded[2]) != nil {
		return nil, errBadSignature
	}
	return decoded[1], nil
}
