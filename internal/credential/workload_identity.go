package credential

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"

	"golang.org/x/oauth2"
)

// WorkloadIdentityOptions are the optional settings of a [WorkloadIdentity].
type WorkloadIdentityOptions struct {
	Options
	// OnKept is told why the file's token cannot be used, each time that the
	// one read before it is used in its place. Default: nobody is.
	OnKept func(error)
}

// WorkloadIdentity signs in with a token that somebody else has issued, whom
// the application trusts: a Kubernetes cluster, say, which keeps it in a file
// and renews it there. Microsoft identity platform and the OAuth 2.0 client
// credentials flow, "third case"; Azure Workload Identity.
type WorkloadIdentity struct {
	app    application
	token  Secret
	onKept func(error)

	mu   sync.Mutex // guards what follows
	seen string     // at the latest reading; empty if it failed
	good string     // the latest that looked like a token

	accepted string // by Entra, most recently; empty before the first
}

// NewWorkloadIdentity returns a source that posts to the token endpoint, a URL.
// Scope is as for [NewClientSecret]. Token returns the federated token as it is
// now in its file; it is called at each fetch.
func NewWorkloadIdentity(endpoint, clientID, scope string, token Secret, o WorkloadIdentityOptions) *WorkloadIdentity {
	if o.OnKept == nil {
		o.OnKept = func(error) {}
	}
	return &WorkloadIdentity{app: newApplication(endpoint, clientID, scope, o.Options), token: token, onKept: o.OnKept}
}

// Token fetches a token, as [ClientSecret.Token] does. When a federated token is
// refused, the file is read again at once, since it may just have been renewed;
// and then the one is tried that was accepted before, since that in the file may
// be wrong. If nothing helps and the token was out of its time, the error is
// not permanent.
func (s *WorkloadIdentity) Token(ctx context.Context, claims string) (*oauth2.Token, error) {
	assertion, problem := s.read()
	if assertion == "" {
		return nil, problem
	}
	if problem != nil {
		s.onKept(problem)
	}
	token, err := s.with(ctx, claims, assertion)
	if !isRefused(err) {
		return token, err
	}
	again, problem := s.read()
	switch {
	case problem != nil:
		err = problem // which is what to mend
	case again != assertion:
		if token, err = s.with(ctx, claims, again); !isRefused(err) {
			return token, err
		}
	}
	s.mu.Lock()
	before := s.accepted
	s.mu.Unlock()
	if before != "" && before != assertion && before != again {
		token, refusal := s.with(ctx, claims, before)
		if refusal == nil {
			s.onKept(err)
		}
		if !isRefused(refusal) {
			return token, refusal
		}
	}
	return nil, err
}

// isRefused says that another federated token may fare better.
func isRefused(err error) bool { return isOutOfTime(err) || isAboutSecret(err) }

// with fetches a token with one federated token.
func (s *WorkloadIdentity) with(ctx context.Context, claims, assertion string) (*oauth2.Token, error) {
	token, err := s.app.withAssertion(ctx, claims, assertion)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.accepted = assertion
	}
	return token, err
}

// Changed reports whether the file's token is another one than at the latest
// fetch.
func (s *WorkloadIdentity) Changed() bool {
	now, err := s.token()
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && now != s.seen
}

// read returns the token in the file; or, where the file has none now, the one
// before it, with an error that says what is wrong with the file: it may be
// half-written, and the older token is good for a while.
func (s *WorkloadIdentity) read() (string, error) {
	now, err := s.token()
	if err != nil {
		now, err = "", unreadable("federated token", err)
	} else if !isJWT(now) {
		err = unusable("the federated token file holds no token (a JWT), or is not whole yet",
			"check federated_token_file; in Kubernetes, that the pod has the label azure.workload.identity/use: \"true\"")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = now
	if err == nil {
		s.good = now
	}
	return s.good, err
}

// isJWT says whether s has the form of a signed JWT. RFC 7515 7.1. A token cut
// short within its signature still has it, and Entra will refuse it.
func isJWT(s string) bool {
	parts := strings.Split(s, ".")
	if len(parts) != 3 || parts[2] == "" {
		return false
	}
	for _, part := range parts[:2] {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || !json.Valid(text) {
			return false
		}
	}
	return true
}
