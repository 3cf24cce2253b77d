package listen_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/listen"
)

// issue returns a certificate for localhost and its key, as PEM.
func issue(t *testing.T, ca *listen.CA) (cert, key []byte) {
	t.Helper()
	c, err := ca.Certificates(nil)(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// A folder has a certificate in it, cert.pem and key.pem.
type folder struct {
	*testing.T
	dir string
	log bytes.Buffer
	get listen.Certificates
}

func newFolder(t *testing.T, cert, key []byte) *folder {
	t.Helper()
	f := &folder{T: t, dir: t.TempDir()}
	f.write("cert.pem", cert)
	f.write("key.pem", key)
	var err error
	f.get, err = listen.Files(filepath.Join(f.dir, "cert.pem"), filepath.Join(f.dir, "key.pem"), slog.New(slog.NewTextHandler(&f.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *folder) write(name string, text []byte) {
	f.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), text, 0o600); err != nil {
		f.Fatal(err)
	}
}

// uses wants cert to be what a handshake gets.
func (f *folder) uses(cert []byte, when string) {
	f.Helper()
	c, err := f.get(nil)
	if err != nil {
		f.Fatal(err)
	}
	if block, _ := pem.Decode(cert); !bytes.Equal(block.Bytes, c.Certificate[0]) {
		f.Errorf("%s: the other certificate is in use", when)
	}
}

func TestChangedFiles(t *testing.T) {
	ca := newCA(t, t.TempDir())
	cert1, key1 := issue(t, ca)
	cert2, key2 := issue(t, ca)
	synctest.Test(t, func(t *testing.T) {
		f := newFolder(t, cert1, key1)
		f.uses(cert1, "at first")
		f.write("cert.pem", cert2)
		time.Sleep(2 * time.Second)
		f.uses(cert1, "with the certificate changed and the key not")
		f.write("key.pem", key2[:len(key2)/2])
		time.Sleep(2 * time.Second)
		f.uses(cert1, "with half a key")
		time.Sleep(2 * time.Second)
		f.uses(cert1, "with half a key, again")
		f.write("key.pem", key2)
		f.uses(cert1, "within a second of the last look")
		time.Sleep(2 * time.Second)
		f.uses(cert2, "with both changed")
		if err := os.Remove(filepath.Join(f.dir, "key.pem")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		f.uses(cert2, "without a key")
		log := f.log.String()
		if got := strings.Count(log, "changed certificate not used"); got != 3 {
			t.Errorf("%d complaints, want one of each kind, 3:\n%s", got, log)
		}
		if strings.Contains(log, "PRIVATE KEY") || !strings.Contains(log, "key.pem") {
			t.Errorf("the log shows a key, or no file:\n%s", log)
		}
	})
}

func TestFilesThatAreNoPair(t *testing.T) {
	ca := newCA(t, t.TempDir())
	cert, _ := issue(t, ca)
	_, other := issue(t, ca)
	dir := t.TempDir()
	f := &folder{T: t, dir: dir}
	f.write("cert.pem", cert)
	f.write("other.pem", other)
	for _, key := range []string{"other.pem", "none.pem", "cert.pem"} {
		_, err := listen.Files(filepath.Join(dir, "cert.pem"), filepath.Join(dir, key), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: error %v, want one that names it", key, err)
		}
	}
}

// serialOf is the serial number of a certificate in PEM.
func serialOf(t *testing.T, cert []byte) string {
	t.Helper()
	block, _ := pem.Decode(cert)
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return c.SerialNumber.String()
}

// Clients that connect all the time notice nothing of a certificate that is
// replaced, file by file, but that it is another.
func TestSwapUnderLoad(t *testing.T) {
	ca := newCA(t, t.TempDir())
	roots := trusted(t, ca)
	cert, key := issue(t, ca)
	f := newFolder(t, cert, key)
	e := open(t, "127.0.0.1:0", listen.Options{Certificates: f.get})
	server := serveTLS(t, e)
	var failed, done atomic.Int64
	serials := sync.Map{}
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
				resp, err := client.Get(server)
				if err != nil {
					t.Log(err)
					failed.Add(1)
					continue
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
				serials.Store(resp.TLS.PeerCertificates[0].SerialNumber.String(), true)
				done.Add(1)
			}
		})
	}
	const swaps = 3
	for range swaps {
		cert, key = issue(t, ca)
		f.write("cert.pem", cert)
		<-time.After(300 * time.Millisecond) // in which the two do not fit
		f.write("key.pem", key)
		serial := serialOf(t, cert)
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-time.After(10 * time.Millisecond) {
			if _, seen := serials.Load(serial); seen {
				break
			}
		}
	}
	close(stop)
	clients.Wait()
	seen := 0
	serials.Range(func(any, any) bool { seen++; return true })
	if failed.Load() != 0 || seen != swaps+1 || done.Load() < 20 {
		t.Errorf("%d of %d requests failed, %d certificates seen; want 0, and %d", failed.Load(), done.Load()+failed.Load(), seen, swaps+1)
	}
}
