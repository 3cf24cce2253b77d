package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// An identityFile is a certificate with its key.
type identityFile struct {
	certificate *x509.Certificate
	issuer      *x509.Certificate // nil if it is its own
	key         *rsa.PrivateKey
}

// newIdentity makes a certificate that is good until a time, signed by itself
// or by an issuer.
func newIdentity(t testing.TB, until time.Time, issuer *identityFile) *identityFile {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "dvproxy e2e " + serial.String()},
		NotBefore: until.Add(-365 * 24 * time.Hour), NotAfter: until,
		BasicConstraintsValid: true, IsCA: true,
	}
	made := &identityFile{key: key}
	parent, signer := template, key
	if issuer != nil {
		parent, signer, made.issuer = issuer.certificate, issuer.key, issuer.certificate
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if made.certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return made
}

// pem is the file with key and chain.
func (f *identityFile) pem() []byte {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.certificate.Raw})
	if f.issuer != nil {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.issuer.Raw})...)
	}
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(f.key)})...)
}

// pfx is the same as PKCS #12, as Windows exports it.
func (f *identityFile) pfx(t testing.TB, password string) []byte {
	t.Helper()
	data, err := pkcs12.Modern.Encode(f.key, f.certificate, nil, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A folder holds files with secrets.
type folder string

func newFolder(t testing.TB) folder { t.Helper(); return folder(t.TempDir()) }

// write replaces a file, and returns its path.
func (f folder) write(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(string(f), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil { // as it may have been another before
		t.Fatal(err)
	}
	return path
}
