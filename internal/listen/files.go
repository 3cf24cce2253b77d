package listen

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"
)

// lookEvery is how often handshakes look into the files again.
const lookEvery = time.Second

// Files returns the certificate in two PEM files, the certificate with its
// chain and the private key. They are read again at handshakes, once a second
// at most, and what they hold is used from then on. While the two do not belong
// together or cannot be read, as in the middle of a change, the one before
// stays in use. The error is that of the first reading.
func Files(certFile, keyFile string, log *slog.Logger) (Certificates, error) {
	p := &pair{certFile: certFile, keyFile: keyFile, log: log}
	if err := p.read(); err != nil {
		return nil, err
	}
	return p.get, nil
}

// A pair is a certificate and its key in two files.
type pair struct {
	certFile, keyFile string
	log               *slog.Logger
	certificate       atomic.Pointer[tls.Certificate]
	looked            atomic.Int64 // when, in Unix nanoseconds
	looking           atomic.Bool  // one handshake looks, the others go on

	cert, key []byte // as read; for who is looking
	complaint string // what was wrong at the last look
}

func (p *pair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	age := time.Duration(time.Now().UnixNano() - p.looked.Load())
	if (age < 0 || age >= lookEvery) && p.looking.CompareAndSwap(false, true) {
		p.look()
		p.looking.Store(false)
	}
	return p.certificate.Load(), nil
}

// look reads the files again and complains once of each thing that is wrong.
func (p *pair) look() {
	err := p.read()
	if err == nil {
		p.complaint = ""
	} else if err.Error() != p.complaint {
		p.complaint = err.Error()
		p.log.Warn("changed certificate not used; the one before stays", slog.Any("error", err))
	}
}

// read takes what is in the files, if it is new and whole. Contents are
// compared, since times can be as coarse as two changes are apart.
func (p *pair) read() error {
	defer func() { p.looked.Store(time.Now().UnixNano()) }()
	cert, err := os.ReadFile(p.certFile)
	if err != nil {
		return fmt.Errorf("read tls.cert_file: %w", err)
	}
	key, err := os.ReadFile(p.keyFile)
	if err != nil {
		return fmt.Errorf("read tls.key_file: %w", err)
	}
	if p.certificate.Load() != nil && bytes.Equal(cert, p.cert) && bytes.Equal(key, p.key) {
		return nil
	}
	c, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("%s is no certificate for the key in %s: %w", p.certFile, p.keyFile, err)
	}
	p.cert, p.key = cert, key
	p.certificate.Store(&c)
	say := p.log.Info
	if time.Now().After(c.Leaf.NotAfter) {
		say = p.log.Warn
	}
	say("certificate in use", slog.String("file", p.certFile), slog.Time("expires", c.Leaf.NotAfter))
	return nil
}
