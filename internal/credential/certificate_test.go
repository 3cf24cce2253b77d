package credential_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"dvproxy/internal/credential"
)

// A pair is a key and its certificate.
type pair struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

// newPair makes a certificate, signed by issuer or by itself.
func newPair(name string, key crypto.Signer, notBefore, notAfter time.Time, issuer *pair) *pair {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: notBefore, NotAfter: notAfter, IsCA: true, BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.certificate, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &pair{key, certificate}
}

// Keys are dear, so tests share these.
var (
	keyA = sync.OnceValue(newKey)
	keyB = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// valid is a certificate for key that is in its time.
func valid(name string, key crypto.Signer, issuer *pair) *pair {
	return newPair(name, key, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), issuer)
}

func (p *pair) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.certificate.Raw})
}

func (p *pair) pkcs8() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func (p *pair) pkcs1() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(p.key.(*rsa.PrivateKey))})
}

// file is what a certificate file holds.
func (p *pair) file() []byte { return append(p.pem(), p.pkcs8()...) }

func pfx(t *testing.T, encoder *pkcs12.Encoder, p *pair, password string, more ...*x509.Certificate) []byte {
	t.Helper()
	data, err := encoder.Encode(p.key, p.certificate, more, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCertificateFiles(t *testing.T) {
	root := valid("root", keyB(), nil)
	a := valid("a", keyA(), root)
	const password = "pass wörd"
	const openssl = "AD2EF6294E7EC12BB1F9F9C24ECA98BEB0714F9F"
	tests := []struct {
		name     string
		in       []byte
		password string
		want     string // thumbprint; empty: that of a
	}{
		{"PEM, PKCS #8", a.file(), "", ""},
		{"PEM, PKCS #1, key first", join(a.pkcs1(), a.pem()), "", ""},
		{"PEM, issuer first", join(root.pem(), a.pem(), a.pkcs8()), "", ""},
		{"PEM with text between, as openssl pkcs12 writes", join([]byte("Bag Attributes\n  localKeyID: 01\n"), a.pem(), []byte("Key Attributes: <No Attributes>\n"), a.pkcs8()), "", ""},
		{"PEM of Windows, with a byte order mark", join([]byte("\ufeff"), bytes.ReplaceAll(a.file(), []byte("\n"), []byte("\r\n"))), "", ""},
		{"PFX, modern", pfx(t, pkcs12.Modern2023, a, password, root.certificate), password, ""},
		{"PFX, 3DES", pfx(t, pkcs12.LegacyDES, a, password), password, ""},
		{"PFX, RC2", pfx(t, pkcs12.LegacyRC2, a, password), password, ""},
		{"PFX, without password", pfx(t, pkcs12.Modern2023, a, ""), "", ""},
		{"PFX, not encrypted", pfx(t, pkcs12.Passwordless, a, ""), "", ""},
		{"openssl's PFX", fixture(t, "modern.pfx"), "open-sesame", openssl},
		{"openssl's old PFX", fixture(t, "legacy.pfx"), "open-sesame", openssl},
		{"openssl's old PFX, without password", fixture(t, "legacy-3des-empty-password.pfx"), "", openssl},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := credential.ParseCertificate(tt.in, tt.password)
			if err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want == "" {
				want = thumbprint(a)
				if !c.NotAfter().Equal(a.certificate.NotAfter) || c.Usable(time.Now()) != nil {
					t.Errorf("good until %v, %v", c.NotAfter(), c.Usable(time.Now()))
				}
			}
			if c.Thumbprint() != want {
				t.Errorf("thumbprint %s, want %s", c.Thumbprint(), want)
			}
		})
	}
}

func TestCertificateFilesThatAreNoGood(t *testing.T) {
	a, b := valid("a", keyA(), nil), valid("b", keyB(), nil)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec := valid("ec", curve, nil)
	sec1, err := x509.MarshalECPrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	const password = "pfx-password-canary"
	modern := pfx(t, pkcs12.Modern2023, a, password)
	tests := []struct {
		name     string
		in       []byte
		password string
		want     []string // in the text: what is wrong, what to do
	}{
		{"empty", nil, "", []string{"is empty"}},
		{"blank", []byte("\r\n"), "", []string{"is empty"}},
		{"something else", []byte("s3cr3t"), "", []string{"neither PEM nor PFX", "openssl req"}},
		{"no key", a.pem(), "", []string{"no private key", "cat cert.pem key.pem"}},
		{"no certificate", a.pkcs8(), "", []string{"no certificate", "cat cert.pem key.pem"}},
		{"two keys", join(a.file(), b.pkcs8()), "", []string{"2 private keys"}},
		{"another's key", join(a.pem(), b.pkcs8()), "", []string{"not that of the certificate", "openssl x509"}},
		{"EC", ec.file(), "", []string{"ecdsa.PrivateKey", "RSA only", "rsa:2048"}},
		{"EC, SEC 1", join(ec.pem(), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1})), "", []string{"RSA only"}},
		{"EC in PFX", pfx(t, pkcs12.Modern2023, ec, password), password, []string{"RSA only"}},
		{"encrypted PKCS #1", fixture(t, "encrypted-pkcs1.pem"), "open-sesame", []string{"is encrypted", "openssl pkey", "certificate_password_file"}},
		{"encrypted PKCS #8", fixture(t, "encrypted-pkcs8.pem"), "open-sesame", []string{"is encrypted"}},
		{"junk for a key", join(a.pem(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("junk")})), "", []string{"private key", "cannot be parsed", "openssl pkey"}},
		{"junk for a certificate", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("junk")}), "", []string{"a certificate in", "openssl x509"}},
		{"cut off", a.file()[:len(a.file())-40], "", []string{"ends within a PEM block", "mv new.pem"}},
		{"wrong password", modern, "another", []string{"password of the PFX file is wrong", "certificate_password_file"}},
		{"no password", modern, "", []string{"has a password", "set certificate_password_file"}},
		{"half a PFX", modern[:len(modern)/2], password, []string{"not whole yet", "openssl pkcs12"}},
		{"DER certificate", a.certificate.Raw, "", []string{"PFX file cannot be read"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := credential.ParseCertificate(tt.in, tt.password)
			var e *credential.Error
			if !errors.As(err, &e) || !e.Permanent() {
				t.Fatalf("error %T %v, want a permanent *credential.Error", err, err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("text %q, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("text %q gives something away", err)
			}
		})
	}
}

// A file may be read at any moment of its being written.
func TestEveryBeginningOfACertificateFileIsRefused(t *testing.T) {
	a := valid("a", keyA(), nil)
	for name, whole := range map[string][]byte{
		"certificate first": join(a.pem(), a.pkcs8()),
		"key first":         join(a.pkcs8(), a.pem()),
		"PFX":               pfx(t, pkcs12.Passwordless, a, ""),
	} {
		end := len(bytes.TrimSpace(whole))
		for n := range end {
			if _, err := credential.ParseCertificate(whole[:n], ""); err == nil {
				t.Errorf("%s: %d of %d bytes are taken for a certificate", name, n, end)
			}
		}
	}
}

func TestCertificateOutOfItsTime(t *testing.T) {
	now := time.Now()
	past := newPair("past", keyA(), now.Add(-48*time.Hour), now.Add(-24*time.Hour), nil)
	future := newPair("future", keyA(), now.Add(24*time.Hour), now.Add(48*time.Hour), nil)
	for _, tt := range []struct {
		name string
		in   *pair
		want string
	}{
		{"past", past, "az ad app credential reset"},
		{"future", future, "clock"},
	} {
		c, err := credential.ParseCertificate(tt.in.file(), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Usable(now); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), c.Thumbprint()) {
			t.Errorf("%s: %v, want %q and the thumbprint in it", tt.name, err, tt.want)
		}
	}
}

func TestNoFormattingShowsTheKey(t *testing.T) {
	a := valid("a", keyA(), nil)
	c, err := credential.ParseCertificate(a.file(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x"} {
		if got := fmt.Sprintf(verb, c); got != "certificate "+thumbprint(a) {
			t.Errorf("%s shows %q", verb, got)
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("in use", slog.Any("what", c))
	if !strings.Contains(log.String(), `"what":"certificate `+thumbprint(a)+`"`) {
		t.Errorf("the log shows %q", log.String())
	}
}

func FuzzParseCertificate(f *testing.F) {
	a := valid("a", keyA(), nil)
	f.Add(a.file(), "")
	f.Add(join(a.pkcs1(), a.pem()), "x")
	f.Add(a.file()[:900], "")
	f.Add(fixture(f, "legacy.pfx"), "open-sesame")
	f.Add(fixture(f, "encrypted-pkcs1.pem"), "")
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		c, err := credential.ParseCertificate(data, password)
		var e *credential.Error
		switch {
		case err == nil && len(c.Thumbprint()) != 40:
			t.Errorf("thumbprint %q", c.Thumbprint())
		case err != nil && !errors.As(err, &e):
			t.Errorf("error %T, want *credential.Error", err)
		case err != nil && len(password) > 40 && strings.Contains(err.Error(), password):
			t.Errorf("the error holds the password: %v", err)
		}
	})
}
