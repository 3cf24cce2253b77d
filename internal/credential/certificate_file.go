package credential

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

const checkPEM = "look at it: openssl x509 -in FILE -noout -dates, and openssl pkey -in FILE -noout -check"

// readPEM reads all keys and certificates of a PEM file. RFC 7468.
func readPEM(data []byte) (keys []crypto.PrivateKey, certificates []*x509.Certificate, err error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			key, err := readKey(block)
			if err != nil {
				return nil, nil, err
			}
			keys = append(keys, key)
		} else if block.Type == "CERTIFICATE" {
			certificate, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, unusable("a certificate in the certificate file cannot be parsed", checkPEM)
			}
			certificates = append(certificates, certificate)
		}
	}
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		return nil, nil, unusable("the certificate file ends within a PEM block, or has a damaged one: it may not be whole yet",
			"write it under another name and rename it (mv new.pem FILE); "+checkPEM)
	}
	return keys, certificates, nil
}

// readKey reads an unencrypted private key. The parsers' errors are not shown,
// so that nothing of a key can be.
func readKey(block *pem.Block) (crypto.PrivateKey, error) {
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, unusable("the private key in the certificate file is encrypted",
			"decrypt it: openssl pkey -in key.pem -out plain.pem, or use a PFX file with certificate_password_file: openssl pkcs12 -export -in FILE -out both.pfx")
	}
	var key crypto.PrivateKey
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, unusable("the private key in the certificate file cannot be parsed", checkPEM)
	}
	return key, nil
}

// readPFX reads a PKCS #12 file (RFC 7292), with old and new encryption. Which
// of its certificates is the key's is not for the file to say.
func readPFX(data []byte, password string) ([]crypto.PrivateKey, []*x509.Certificate, error) {
	key, first, more, err := pkcs12.DecodeChain(data, password)
	const look = "look at it: openssl pkcs12 -in FILE -info -noout"
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		if password == "" {
			return nil, nil, unusable("the PFX file has a password", "set certificate_password_file")
		}
		return nil, nil, unusable("the password of the PFX file is wrong", "check certificate_password_file; "+look)
	case errors.As(err, new(pkcs12.NotImplementedError)):
		return nil, nil, unusable("the PFX file is encrypted in a way that is not supported", "write it anew: openssl pkcs12 -in FILE -nodes -out both.pem, and use that")
	case err != nil:
		return nil, nil, unusable("the PFX file cannot be read, or is not whole yet", look)
	}
	return []crypto.PrivateKey{key}, append([]*x509.Certificate{first}, more...), nil
}
