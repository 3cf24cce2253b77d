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
}

// ClientSecret signs in with an application's id and secret.
type ClientSecret struct {
	app  application
	read []Secret // the current one, and the next if there is one

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
	return s
}

// Token fetches a token. ExpiresIn is its lifetime in seconds, above 0; Extra
// "refresh_in", an int64, is there if the server named one. Claims is the JSON
// of a claims challenge, or empty. The error is an [*Error]: that of the current
// secret, where the next one is refused too.
func (s *ClientSecret) Token(ctx context.Context, claims string) (*oauth2.Token, error) {
	secrets, err := s.secrets()
	if len(secrets) == 0 {
		return nil, unreadable("client secret", err)
	}
	var refused error
	for i, secret := range s.likeliestFirst(secrets) {
		token, err := s.app.fetch(ctx, claims, secret, nil)
		if err == nil {
			s.mu.Lock()
			s.worked = secret
			s.mu.Unlock()
			return token, nil
		}
		if !isAboutSecret(err) {
			return nil, err // another secret would fare no better
		}
		if i == 0 || secret == secrets[0] {
			refused = err
		}
	}
	if err != nil { // the current one was not among those refused
		return nil, unreadable("client secret", err)
	}
	return nil, refused
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

// UsesNext reports whether the secret most recently accepted is not the current
// one: it is time to make the next secret the current one.
func (s *ClientSecret) UsesNext() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.worked != "" && s.worked != s.seen[0]
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
