package main

import (
	"crypto/x509"
	"fmt"
	"log/slog"

	"dvproxy/internal/config"
	"dvproxy/internal/credential"
	"dvproxy/internal/tokencache"
)

// A source is a way to sign in that tells when there is a point in trying again.
type source interface {
	tokencache.Source
	Changed() bool
}

// newSource makes the source that the settings of a credential ask for. Roots
// are whom it trusts to be the authority; nil means the system's.
func newSource(c config.Credential, roots *x509.CertPool, log *slog.Logger) (source, error) {
	o := credential.Options{V1: c.V1()}
	if roots != nil {
		o.Transport = credential.NewTransport(roots)
	}
	endpoint := c.TokenEndpoint()
	switch c.Way() {
	case config.ByCertificate:
		return credential.NewClientCertificate(endpoint, c.ClientID, c.Scope, readFile(c.CertificateFile), credential.ClientCertificateOptions{
			Options: o, Password: either(c.CertificatePassword, c.CertificatePasswordFile),
			SendChain: c.SendCertificateChain, RS256: c.CertificateAlgorithm == "rs256",
			OnKept: kept("certificate", log),
		}), nil
	case config.ByFederatedToken:
		return credential.NewWorkloadIdentity(endpoint, c.ClientID, c.Scope, either(config.Secret{}, c.FederatedTokenFile), credential.WorkloadIdentityOptions{
			Options: o, OnKept: kept("federated token", log),
		}), nil
	case config.ByManagedIdentity:
		s, err := credential.NewManagedIdentity(c.Scope, credential.ManagedIdentityOptions{ClientID: c.ManagedIdentityClient()})
		if err != nil {
			return nil, fmt.Errorf("managed identity: %w", err)
		}
		return s, nil
	}
	return credential.NewClientSecret(endpoint, c.ClientID, c.Scope, either(c.ClientSecret, c.ClientSecretFile), credential.ClientSecretOptions{
		Options: o, Next: next(c.NextClientSecretFile), OnKept: kept("client secret", log),
	}), nil
}

// kept warns that a file cannot be used, and what was in it before goes on.
func kept(what string, log *slog.Logger) func(error) {
	return func(err error) {
		log.Warn("a file cannot be used; what was read before goes on", slog.String("what", what), slog.Any("error", err))
	}
}

// either is a secret that is given, or else what is in a file at each call.
func either(given config.Secret, file string) credential.Secret {
	return func() (string, error) {
		if file == "" {
			return given.Reveal(), nil
		}
		secret, err := config.ReadSecretFile(file)
		return secret.Reveal(), err
	}
}

// next is the secret that is to follow, which need not be there yet.
func next(file string) credential.Secret {
	if file == "" {
		return nil
	}
	return either(config.Secret{}, file)
}

// readFile reads a file that holds a key, at each call.
func readFile(path string) func() ([]byte, error) {
	return func() ([]byte, error) { return config.ReadKeyFile(path) }
}
