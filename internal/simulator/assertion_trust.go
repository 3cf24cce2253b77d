package simulator

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"time"
)

// FederationAudience is what a federated token is for, unless the application
// says otherwise.
const FederationAudience = "api://AzureADTokenExchange"

// A FederatedCredential is an issuer whose word the application takes for one
// subject. Issuer, subject and audience are compared to the letter.
type FederatedCredential struct {
	Issuer   string // a URL
	Subject  string
	Audience string         // empty: FederationAudience
	Key      *rsa.PublicKey // by which the issuer's tokens are verified
}

// trust is what the application accepts beside secrets.
type trust struct {
	mu           sync.Mutex // guards the fields below
	certificates []*x509.Certificate
	federated    []FederatedCredential
}

// SetCertificates replaces the set of certificates that the application may
// sign in with. Tokens already issued stay good.
func (t *Tenant) SetCertificates(accepted ...*x509.Certificate) {
	t.trust.mu.Lock()
	defer t.trust.mu.Unlock()
	t.trust.certificates = slices.Clone(accepted)
}

// SetFederatedCredentials replaces the set of federated credentials of the
// application. Tokens already issued stay good.
func (t *Tenant) SetFederatedCredentials(accepted ...FederatedCredential) error {
	for i := range accepted {
		if accepted[i].Key == nil {
			return errors.New("a federated credential has no key")
		}
		setDefault(&accepted[i].Audience, FederationAudience)
	}
	t.trust.mu.Lock()
	defer t.trust.mu.Unlock()
	t.trust.federated = slices.Clone(accepted)
	return nil
}

// certificate is the one that an assertion names, or nil and the reason.
func (tr *trust) certificate(a *assertion) (*x509.Certificate, string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	i := slices.IndexFunc(tr.certificates, a.names)
	if i < 0 {
		return nil, "The key was not found."
	}
	return tr.certificates[i], ""
}

// checkFederated compares issuer, audience and subject in turn, so that the
// refusal says which one is wrong.
func (t *Tenant) checkFederated(a *assertion, now time.Time) *entraError {
	t.trust.mu.Lock()
	left := slices.Clone(t.trust.federated)
	t.trust.mu.Unlock()
	for _, step := range []struct {
		differs func(FederatedCredential) bool
		refusal entraError
	}{
		{func(c FederatedCredential) bool { return c.Issuer != a.claims.Issuer }, errFederatedIssuer.with(a.claims.Issuer)},
		{func(c FederatedCredential) bool { return !slices.Contains(a.audiences, c.Audience) }, errFederatedAudience.with(a.audience())},
		{func(c FederatedCredential) bool { return c.Subject != a.claims.Subject }, errFederatedSubject.with(a.claims.Subject)},
	} {
		if left = slices.DeleteFunc(left, step.differs); len(left) == 0 {
			return &step.refusal
		}
	}
	if !slices.ContainsFunc(left, func(c FederatedCredential) bool { return a.isSignedBy(c.Key) }) {
		return refused(errMalformedAssertion)
	}
	return a.checkTime(now)
}

func (a *assertion) audience() string {
	if len(a.audiences) == 0 {
		return ""
	}
	return a.audiences[0]
}
