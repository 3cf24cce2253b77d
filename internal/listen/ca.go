package listen

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strings"
	"time"
)

const (
	caLife = 10 * 365 * 24 * time.Hour // clients have to be told again to trust its successor
	early  = time.Hour                 // by which certificates are dated back, for clocks that are behind
)

// A CA is a certificate authority of this machine's own. It can sign for
// nothing but TLS servers on this machine and the names that it was made for,
// so that who trusts it trusts it with no other site, even if its key is stolen.
type CA struct {
	file string // with the certificate, for clients to trust
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newCA makes a CA for the loopback names and the others.
func newCA(names []string) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	var mark [4]byte
	_, _ = rand.Read(mark[:]) // never fails
	template := &x509.Certificate{
		SerialNumber: serialNumber(),
		// A name of its own: some clients tell CAs apart by nothing else.
		Subject:                     pkix.Name{Organization: []string{"dvproxy"}, CommonName: "dvproxy local CA " + hex.EncodeToString(mark[:])},
		NotBefore:                   time.Now().Add(-early),
		NotAfter:                    time.Now().Add(caLife),
		KeyUsage:                    x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		ExtKeyUsage:                 []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid:       true,
		IsCA:                        true,
		MaxPathLenZero:              true,
		PermittedDNSDomainsCritical: true, // the IP ranges with them
		PermittedDNSDomains:         []string{"localhost"},
		PermittedIPRanges: []*net.IPNet{
			{IP: net.IPv4(127, 0, 0, 0).To4(), Mask: net.CIDRMask(8, 32)},
			{IP: net.IPv6loopback, Mask: net.CIDRMask(128, 128)},
		},
	}
	for _, name := range names {
		if (&CA{cert: template}).covers(name) {
			continue
		}
		if ip := parseIP(name); ip != nil {
			template.PermittedIPRanges = append(template.PermittedIPRanges, &net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))})
		} else {
			template.PermittedDNSDomains = append(template.PermittedDNSDomains, strings.ToLower(name))
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &CA{cert: cert, key: key}, err
}

// File is the PEM file with the certificate that clients have to trust.
func (ca *CA) File() string { return ca.file }

// Uncovered are those of the names that the CA was not made for. Clients do not
// accept its certificates for them.
func (ca *CA) Uncovered(names []string) (uncovered []string) {
	for _, name := range names {
		if !ca.covers(name) {
			uncovered = append(uncovered, name)
		}
	}
	return uncovered
}

func (ca *CA) covers(name string) bool {
	if ip := parseIP(name); ip != nil {
		for _, r := range ca.cert.PermittedIPRanges {
			if r.Contains(ip) {
				return true
			}
		}
		return false
	}
	for _, domain := range ca.cert.PermittedDNSDomains {
		if name = strings.ToLower(name); name == domain || strings.HasSuffix(name, "."+domain) {
			return true
		}
	}
	return false
}

// ended is an error if the CA can sign no more.
func (ca *CA) ended() error {
	if time.Now().Before(ca.cert.NotAfter) {
		return nil
	}
	return errors.New("the local CA ended on " + ca.cert.NotAfter.Format(time.DateOnly) + fmt.Sprintf("; delete the folder of %s, start dvproxy again, and let clients trust the new one", ca.file))
}

// parseIP is an address of 4 or 16 bytes; nil if the name is none.
func parseIP(name string) net.IP {
	ip := net.ParseIP(strings.Trim(name, "[]"))
	if v4 := ip.To4(); v4 != nil {
		return v4
	}
	return ip
}

// serialNumber is one that no other certificate has. RFC 5280 4.1.2.2.
func serialNumber() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b[:])
}
