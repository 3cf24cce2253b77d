package credential

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // thumbprints are SHA-1, here and in the portal
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// A Certificate is a certificate with its private key. No formatting or
// logging shows the key.
type Certificate struct {
	key   *rsa.PrivateKey
	chain []*x509.Certificate // the certificate itself first, then each one's issuer
}

const makeCertificate = "openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=dvproxy -keyout key.pem -out cert.pem && cat cert.pem key.pem > both.pem"

// ParseCertificate reads the contents of a file: PEM with a certificate and its
// unencrypted RSA key (PKCS #1 or #8), or PFX (PKCS #12), to which the password
// belongs. Further certificates become the chain. Whether it is in its time is
// not looked at. The error is an [*Error] that names the command that helps.
func ParseCertificate(data []byte, password string) (*Certificate, error) {
	var keys []crypto.PrivateKey
	var certificates []*x509.Certificate
	var err error
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // editors on Windows put it there
	switch text := bytes.TrimSpace(data); {
	case len(text) == 0:
		return nil, unusable("the certificate file is empty", "put the certificate and its key there")
	case bytes.Contains(text, []byte("-----BEGIN ")):
		keys, certificates, err = readPEM(data)
	case text[0] == 0x30: // an ASN.1 SEQUENCE
		keys, certificates, err = readPFX(data, password)
	default:
		return nil, unusable("the certificate file is neither PEM nor PFX, or is not whole yet", "make one: "+makeCertificate)
	}
	if err != nil {
		return nil, err
	}
	return newCertificate(keys, certificates)
}

// newCertificate puts together what a file holds.
func newCertificate(keys []crypto.PrivateKey, certificates []*x509.Certificate) (*Certificate, error) {
	switch {
	case len(keys) == 0:
		return nil, unusable("the certificate file holds no private key", "put it into the same file: cat cert.pem key.pem > both.pem")
	case len(keys) > 1:
		return nil, unusable(fmt.Sprintf("the certificate file holds %d private keys", len(keys)), "leave one")
	case len(certificates) == 0:
		return nil, unusable("the certificate file holds no certificate", "put it into the same file: cat cert.pem key.pem > both.pem")
	}
	key, ok := keys[0].(*rsa.PrivateKey)
	if !ok {
		return nil, unusable(fmt.Sprintf("the certificate's key is of type %s, and Entra takes RSA only", strings.TrimPrefix(fmt.Sprintf("%T", keys[0]), "*")), "make another: "+makeCertificate)
	}
	i := slices.IndexFunc(certificates, func(c *x509.Certificate) bool { return key.PublicKey.Equal(c.PublicKey) })
	if i < 0 {
		return nil, unusable("the private key is not that of the certificate", "compare: openssl x509 -in cert.pem -noout -pubkey, and openssl pkey -in key.pem -pubout")
	}
	return &Certificate{key: key, chain: chainOf(certificates[i], certificates)}, nil
}

// chainOf follows the issuers of c among the certificates.
func chainOf(c *x509.Certificate, among []*x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{c}
	for !bytes.Equal(c.RawIssuer, c.RawSubject) && len(chain) < len(among) {
		i := slices.IndexFunc(among, func(issuer *x509.Certificate) bool {
			return bytes.Equal(issuer.RawSubject, c.RawIssuer) && !slices.Contains(chain, issuer)
		})
		if i < 0 {
			break
		}
		c = among[i]
		chain = append(chain, c)
	}
	return chain
}

// NotAfter is when the certificate expires.
func (c *Certificate) NotAfter() time.Time { return c.chain[0].NotAfter }

// Usable is nil if the certificate is in its time, and else an [*Error] that
// says what to do.
func (c *Certificate) Usable(now time.Time) error {
	switch leaf := c.chain[0]; {
	case now.After(leaf.NotAfter):
		return unusable(fmt.Sprintf("the certificate %s expired on %s", c.Thumbprint(), day(leaf.NotAfter)),
			"make a new one and upload it: "+makeCertificate+" && az ad app credential reset --id CLIENT_ID --append --cert @cert.pem")
	case now.Before(leaf.NotBefore):
		return unusable(fmt.Sprintf("the certificate %s is good from %s only", c.Thumbprint(), day(leaf.NotBefore)),
			"check this machine's clock (date -u), or use another certificate until then")
	}
	return nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Thumbprint is the SHA-1 fingerprint in upper-case hexadecimal, by which the
// portal lists certificates.
func (c *Certificate) Thumbprint() string {
	sum := sha1.Sum(c.chain[0].Raw) //nolint:gosec // see the import
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// String names the certificate.
func (c *Certificate) String() string { return "certificate " + c.Thumbprint() }

// Format writes [Certificate.String] whatever the verb.
func (c *Certificate) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// LogValue is [Certificate.String], for log/slog.
func (c *Certificate) LogValue() slog.Value { return slog.StringValue(c.String()) }
