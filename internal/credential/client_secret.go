package credential

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/oauth2"
)

// ClientSecretOptions are the optional settings of a [ClientSecret].
type ClientSecretOptions struct {
	Options
	// Next is the secret that is to follow while secrets are rotated. It is
	// tried when the current one is refused. Default: none. An empty secret
	// counts as none.
	Next Secret
	// OnKept is told why the current secret cannot be used, each time that the
	// one accepted before it is used in its place. Default: nobody is.
	OnKept func(error)
}

// ClientSecret signs in with an application's id and secret.
//
// While a secret cannot be read or is refused, because it is half-written, say,
// the one that was accepted before is tried too.
type ClientSecret struct {
	app    application
	read   []Secret // the current one, and the next if there is one
	onKept func(error)

	mu     sync.Mutex // guards what follows
	seen   []string   // by read, at the latest fetch; empty where it failed
	worked string     // the secret most recently accepted
}

// NewClientSecret returns a source that posts to the token endpoint, a URL.
// Scope names the resource, such as https://contoso.crm.dynamics.com/.default.
func NewClientSecret(endpoint, clientID, scope string, secret Secret, o ClientSecretOptions) *ClientSecret {
	s := &ClientSecret{app: newApplication(endpoint, clientID, scope, o.Options), read: []Secret{secret}}
	if o.Next != nil {
		s.read = append(s.read, o.Next)
	}
	s.seen = make([]string, len(s.read))
	if s.onKept = o.OnKept; s.onKept == nil {
		s.onKept = func(error) {}
	}
	return s
}

// Token fetches a token. ExpiresIn is its lifetime in seconds, above 0; Extra
// "refresh_in", an int64, is there if the server named one. Claims is the JSON
// of a claims challenge, or empty. The error is an [*Error]: that of the current
// secret, where the others are refused too.
func (s *ClientSecret) Token(ctx context.Context, claims string) (*oauth2.Token, error) {
	secrets, err := s.secrets()
	if err != nil {
		err = unreadable("client secret", err)
	}
	for i, secret := range s.likeliestFirst(secrets) {
		token, refusal := s.with(ctx, claims, secret)
		if refusal == nil || !isAboutSecret(refusal) {
			return token, refusal // another secret would fare no better
		}
		if err == nil && (i == 0 || secret == secrets[0]) {
			err = refusal
		}
	}
	if kept := s.accepted(); kept != "" && !slices.Contains(secrets, kept) {
		token, refusal := s.with(ctx, claims, kept)
		if refusal == nil {
			s.onKept(err)
			return token, nil
		}
		if !isAboutSecret(refusal) {
			return nil, refusal
		}
	}
	return nil, err // which is what to mend
}

// with fetches a token with one secret.
func (s *ClientSecret) with(ctx context.Context, claims, secret string) (*oauth2.Token, error) {
	token, err := s.app.fetch(ctx, claims, secret, nil)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.worked = secret
	}
	return token, err
}

// accepted is the secret most recently accepted; empty before the first.
func (s *ClientSecret) accepted() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.worked
}

// Changed reports whether a secret is another one than at the latest fetch.
func (s *ClientSecret) Changed() bool {
	for i, read := range s.read {
		now, err := read()
		s.mu.Lock()
		changed := err == nil && now != s.seen[i]
		s.mu.Unlock()
		if changed {
			return true
		}
	}
	return false
}

// UsesNext reports whether the secret most recently accepted is the next one:
// it is time to make that the current one.
func (s *ClientSecret) UsesNext() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen) > 1 && s.worked != "" && s.worked == s.seen[1] && s.worked != s.seen[0]
}

// secrets are those that can be read now, in order; the error is that of the
// current one, which counts even if it is empty, so that the server says what
// is wrong.
func (s *ClientSecret) secrets() (secrets []string, err error) {
	now := make([]string, len(s.read))
	for i, read := range s.read {
		secret, rerr := read()
		if i == 0 {
			err = rerr
		}
		if rerr == nil && (i == 0 || secret != "" && secret != now[0]) {
			secrets = append(secrets, secret)
		}
		now[i] = secret
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = now
	return secrets, err
}

// likeliestFirst puts the secret that worked before the others.
func (s *ClientSecret) likeliestFirst(secrets []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(secrets, s.worked)
	if i <= 0 {
		return secrets
	}
	return slices.Concat(secrets[i:i+1], secrets[:i], secrets[i+1:])
}
