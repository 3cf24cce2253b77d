package config

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Roots are the certificate authorities that the environment and the sign-in
// service are trusted by: the system's and those of ca_file. Without ca_file it
// is nil, which to crypto/tls means the system's. The error says that the file
// cannot be read, or holds no certificate.
func (e Environment) Roots() (*x509.CertPool, error) {
	if e.CAFile == "" {
		return nil, nil
	}
	pool, err := readRoots(e.CAFile)
	if err != nil {
		return nil, fmt.Errorf("ca_file %s: %w", e.CAFile, err)
	}
	return pool, nil
}

func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %s", reason(err))
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // then those of the file are all there are
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("the file holds no certificate as PEM (-----BEGIN CERTIFICATE-----)")
	}
	return pool, nil
}

func (l *loader) checkCAFile(e *Environment, at string) {
	if e.CAFile == "" {
		return
	}
	if _, err := readRoots(e.CAFile); err != nil {
		l.problem(at, "%s", err)
	}
}
