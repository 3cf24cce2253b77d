package listen_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/listen"
)

func newCA(t *testing.T, dir string, names ...string) *listen.CA {
	t.Helper()
	ca, err := listen.OpenCA(filepath.Join(dir, "tls"), names)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

// trusted are roots with a CA's file, as a client has them.
func trusted(t *testing.T, ca *listen.CA) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(ca.File())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) || strings.Contains(string(text), "KEY") {
		t.Fatalf("%s does not hold a certificate alone", ca.File())
	}
	return roots
}

// serveTLS serves an endpoint and returns its origin.
func serveTLS(t *testing.T, e *listen.Endpoint) string {
	t.Helper()
	server := &http.Server{
		Handler:   http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }),
		TLSConfig: e.TLS,
	}
	t.Cleanup(func() { _ = server.Close() })
	for _, l := range e.Listeners {
		go func() { _ = server.ServeTLS(l, "", "") }()
	}
	return e.Origin()
}

func TestHandshakes(t *testing.T) {
	ca := newCA(t, t.TempDir(), "gateway.internal")
	e := open(t, "localhost:0", listen.Options{Certificates: ca.Certificates([]string{"gateway.internal", "localhost"})})
	serveTLS(t, e)
	roots := trusted(t, ca)
	for _, tt := range []struct {
		name string
		max  uint16
		ok   bool
	}{
		{"localhost", tls.VersionTLS13, true},
		{"localhost", tls.VersionTLS12, true},
		{"localhost", tls.VersionTLS11, false},
		{"127.0.0.1", tls.VersionTLS13, true},
		{"::1", tls.VersionTLS13, true},
		{"gateway.internal", tls.VersionTLS13, true},
		{"evil.com", tls.VersionTLS13, false},
	} {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+e.Port, &tls.Config{RootCAs: roots, ServerName: tt.name, MinVersion: tls.VersionTLS10, MaxVersion: tt.max})
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != tt.ok {
			t.Errorf("%s with TLS up to %x: %v", tt.name, tt.max, err)
		}
	}
	if _, err := tls.Dial("tcp", "127.0.0.1:"+e.Port, &tls.Config{ServerName: "localhost"}); err == nil {
		t.Error("a client that was not told to trust the CA does")
	}
}

// The CA outlives a restart, and so does what clients trust.
func TestCAIsMadeOnce(t *testing.T) {
	dir := t.TempDir()
	first := newCA(t, dir)
	roots := trusted(t, first)
	again := newCA(t, dir, "later.internal")
	if !trusted(t, again).Equal(roots) {
		t.Error("the CA is another after a restart")
	}
	if got := again.Uncovered([]string{"localhost", "127.1.2.3", "::1", "later.internal", "10.0.0.1"}); !slices.Equal(got, []string{"later.internal", "10.0.0.1"}) {
		t.Errorf("uncovered %q", got)
	}
	c, err := again.Certificates([]string{"later.internal"})(nil)
	if err != nil {
		t.Fatal(err)
	}
	// A name that the CA may not sign for would spoil the certificate for all others.
	if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost"}); err != nil {
		t.Error(err)
	}
	if err := os.Remove(first.File()); err != nil {
		t.Fatal(err)
	}
	if !trusted(t, newCA(t, dir)).Equal(roots) {
		t.Error("the certificate's file is not the same after it was deleted")
	}
}

func TestCAIsMadeOnceByMany(t *testing.T) {
	dir := t.TempDir()
	serials := make([]string, 8)
	var starting sync.WaitGroup
	for i := range serials {
		starting.Go(func() {
			ca, err := listen.OpenCA(dir+"/tls", nil)
			if err != nil {
				t.Error(err)
				return
			}
			c, err := ca.Certificates(nil)(nil)
			if err != nil {
				t.Error(err)
				return
			}
			serials[i] = string(c.Leaf.AuthorityKeyId)
		})
	}
	starting.Wait()
	if slices.Sort(serials); serials[0] != serials[len(serials)-1] {
		t.Error("processes that start at the same time have different CAs")
	}
	if left, _ := filepath.Glob(dir + "/tls/.new*"); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCAFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no such permissions")
	}
	dir := t.TempDir() + "/state"
	newCA(t, dir)
	for name, want := range map[string]os.FileMode{"": 0o700, "tls": 0o700, "tls/ca.key": 0o600, "tls/ca.crt": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%q has mode %v, want %v", name, info.Mode(), want)
		}
	}
	// One at a time, and put back: what is found first is not to depend on
	// what the turn before has left open.
	for name, private := range map[string]os.FileMode{"tls/ca.key": 0o600, "tls": 0o700} {
		path := filepath.Join(dir, name)
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("chmod %o %s", private, path)
		if _, err := listen.OpenCA(dir+"/tls", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s open to others: error %v, want one with %q", name, err, want)
		}
		if err := os.Chmod(path, private); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCAFileThatIsNone(t *testing.T) {
	dir := t.TempDir()
	newCA(t, dir)
	path := filepath.Join(dir, "tls", "ca.key")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"empty": "", "half": string(whole[:len(whole)/2]), "no key": string(whole[strings.Index(string(whole), "-----BEGIN CERT"):]), "junk": "junk"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := listen.OpenCA(filepath.Dir(path), nil); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v, want one that names the file", name, err)
		}
		if now, _ := os.ReadFile(path); string(now) != text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

// Even its key signs for nobody but this machine.
func TestStolenCASignsForNobodyElse(t *testing.T) {
	dir := t.TempDir()
	ca := newCA(t, dir)
	text, err := os.ReadFile(filepath.Join(dir, "tls", "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	block, _ = pem.Decode(rest)
	parent, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		ip   net.IP
		ok   bool
	}{{"localhost", nil, true}, {"contoso.crm.dynamics.com", nil, false}, {"", net.IPv4(127, 0, 0, 2), true}, {"", net.IPv4(10, 0, 0, 1), false}} {
		forged := &x509.Certificate{SerialNumber: big.NewInt(7), NotAfter: time.Now().Add(time.Hour)}
		host := tt.name
		if forged.DNSNames = []string{tt.name}; tt.ip != nil {
			forged.DNSNames, forged.IPAddresses, host = nil, []net.IP{tt.ip}, tt.ip.String()
		}
		der, err := x509.CreateCertificate(rand.Reader, forged, parent, own.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: trusted(t, ca), DNSName: host}); (err == nil) != tt.ok {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// Certificates follow one another in time; the CA's own end is an error that
// says what to do.
func TestCertificatesAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		ca := newCA(t, dir)
		roots := trusted(t, ca)
		get := ca.Certificates(nil)
		const day = 24 * time.Hour
		seen := map[string]bool{}
		for range 10*365 - 1 {
			c, err := get(nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "localhost"}); err != nil {
				t.Fatal(err)
			}
			seen[c.Leaf.SerialNumber.String()] = true
			time.Sleep(day)
		}
		if len(seen) < 55 || len(seen) > 65 {
			t.Errorf("%d certificates in ten years, want one every two months", len(seen))
		}
		time.Sleep(2 * day)
		if _, err := get(nil); err == nil || !strings.Contains(err.Error(), ca.File()) {
			t.Errorf("after the CA's end: error %v, want one that names its file", err)
		}
		if _, err := listen.OpenCA(dir+"/tls", nil); err == nil || !strings.Contains(err.Error(), "trust the new one") {
			t.Errorf("after the CA's end: error %v, want one that says what to do", err)
		}
	})
}

func TestNamesOfAllKinds(t *testing.T) {
	names := []string{"Gateway.Internal", "my_host", "10.0.0.5", "fd00::1", "[fd00::2]", "host-1"}
	ca := newCA(t, t.TempDir(), names...)
	c, err := ca.Certificates(names)(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"gateway.internal", "my_host", "10.0.0.5", "fd00::1", "fd00::2", "host-1", "localhost"} {
		if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: trusted(t, ca), DNSName: host}); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}
