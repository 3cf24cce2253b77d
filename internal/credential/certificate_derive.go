package credential

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/x509"
)

// Derive returns 32 bytes that only who has the private key can make, for a
// purpose: HKDF-SHA256 of the key, RFC 5869. They are the same for every
// certificate of that key, in whichever file.
func (c *Certificate) Derive(purpose string) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		return nil, err
	}
	return hkdf.Key(sha256.New, der, nil, purpose, sha256.Size)
}
