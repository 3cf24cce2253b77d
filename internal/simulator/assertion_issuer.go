package simulator

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"time"
)

// A FederatedIssuer stands in for a Kubernetes cluster or another party that
// issues tokens of its own.
type FederatedIssuer struct {
	url    string
	signer *signer
}

// NewFederatedIssuer makes an issuer with a key of its own; the URL is its name,
// and nothing is fetched from there.
func NewFederatedIssuer(url string) (*FederatedIssuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("generate the issuer's key: %w", err)
	}
	return &FederatedIssuer{url, newSigner(key)}, nil
}

// Credential is what an application sets up to trust this issuer's word on a
// subject.
func (i *FederatedIssuer) Credential(subject string) FederatedCredential {
	return FederatedCredential{Issuer: i.url, Subject: subject, Audience: FederationAudience, Key: &i.signer.key.PublicKey}
}

// Token is a token for the subject, as a cluster projects it into a pod, good
// from now on for as long as life says; a negative life makes one that has
// expired.
func (i *FederatedIssuer) Token(subject string, life time.Duration) string {
	now := time.Now()
	payload, err := json.Marshal(map[string]any{
		"iss": i.url, "sub": subject, "aud": []string{FederationAudience}, "jti": newGUID(),
		"iat": now.Add(min(0, life) - time.Hour).Unix(), "nbf": now.Add(min(0, life) - time.Hour).Unix(),
		"exp": now.Add(life).Unix(),
	})
	if err != nil {
		panic(err) // strings and numbers
	}
	token, err := i.signer.sign(payload)
	if err != nil {
		panic(fmt.Sprintf("simulator: sign a federated token: %v", err))
	}
	return token
}
