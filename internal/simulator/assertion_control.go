package simulator

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
)

// controlCertificates sets the certificates that Entra accepts, all in one PEM
// text.
func (t *Tenant) controlCertificates(r *http.Request) (any, error) {
	var body struct {
		Accepted string `json:"accepted"`
	}
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	rest := []byte(body.Accepted)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse a certificate: %w", err)
		}
		certificates = append(certificates, certificate)
	}
	t.SetCertificates(certificates...)
	return nil, nil
}

// controlFederated sets the federated credentials, each with the issuer's
// public key as a PEM text.
func (t *Tenant) controlFederated(r *http.Request) (any, error) {
	var body struct {
		Accepted []struct {
			Issuer   string `json:"issuer"`
			Subject  string `json:"subject"`
			Audience string `json:"audience"`
			Key      string `json:"key"`
		} `json:"accepted"`
	}
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	var accepted []FederatedCredential
	for _, one := range body.Accepted {
		block, _ := pem.Decode([]byte(one.Key))
		if block == nil {
			return nil, errors.New("key is not PEM: openssl rsa -in issuer.key -pubout")
		}
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse a key: %w", err)
		}
		public, ok := key.(*rsa.PublicKey)
		if !ok {
			return nil, errors.New("a key is not RSA")
		}
		accepted = append(accepted, FederatedCredential{one.Issuer, one.Subject, one.Audience, public})
	}
	return nil, t.SetFederatedCredentials(accepted...)
}
