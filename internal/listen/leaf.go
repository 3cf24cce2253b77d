package listen

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"slices"
	"sync/atomic"
	"time"
)

const (
	leafLife   = 90 * 24 * time.Hour
	leafRenews = 30 * 24 * time.Hour // before its end
)

// Certificates are those of a listener with these names, beside localhost,
// 127.0.0.1 and [::1]. Each has a new key, which is kept in memory only, and is
// followed by the next a month before it ends. Names that the CA does not cover
// are left out.
func (ca *CA) Certificates(names []string) Certificates {
	all := slices.Concat([]string{"localhost", "127.0.0.1", "::1"}, names)
	slices.Sort(all)
	l := &leaf{ca: ca, names: slices.Compact(all)}
	return l.get
}

type leaf struct {
	ca      *CA
	names   []string
	current atomic.Pointer[tls.Certificate]
}

func (l *leaf) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	current := l.current.Load()
	if current != nil && !l.ends(current.Leaf) {
		return current, nil
	}
	fresh, err := l.ca.sign(l.names)
	if err != nil {
		return current, err
	}
	l.current.Store(fresh)
	return fresh, nil
}

// ends says whether a certificate's end is near, unless its successor would not
// live longer.
func (l *leaf) ends(c *x509.Certificate) bool {
	if c.NotAfter.Equal(l.ca.cert.NotAfter) {
		return time.Now().After(c.NotAfter)
	}
	return time.Now().After(c.NotAfter.Add(-leafRenews))
}

// sign makes a certificate for those of the names that the CA covers.
func (ca *CA) sign(names []string) (*tls.Certificate, error) {
	if err := ca.ended(); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serialNumber(),
		Subject:      pkix.Name{Organization: []string{"dvproxy"}, CommonName: "localhost"},
		NotBefore:    now.Add(-early),
		NotAfter:     now.Add(leafLife),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if template.NotAfter.After(ca.cert.NotAfter) {
		template.NotAfter = ca.cert.NotAfter
	}
	for _, name := range names {
		switch ip := parseIP(name); {
		case !ca.covers(name):
		case ip != nil:
			template.IPAddresses = append(template.IPAddresses, ip)
		default:
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	c.Leaf, err = x509.ParseCertificate(der)
	return c, err
}
