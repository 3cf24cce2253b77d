package main

import (
	"fmt"
	"log/slog"
	"os"

	"dvproxy/internal/config"
	"dvproxy/internal/credential"
	"dvproxy/internal/tokencache"
	"dvproxy/internal/tokenstore"
)

// A state is where tokens outlive a restart. The zero value is nowhere.
type state struct {
	dir     string
	keyFile string // for credentials that have no secret of their own
}

// store is where the tokens of a credential are kept; nil for nowhere.
func (s state) store(c config.Credential, log *slog.Logger) tokencache.Store {
	if s.dir == "" {
		return nil
	}
	return keptTokens{tokenstore.New(s.dir, storedAs(c), s.keys(c), log)}
}

// storedAs is what an entry is bound to. A machine's own identity has no name
// but the machine's.
func storedAs(c config.Credential) tokenstore.Identity {
	if c.Way() != config.ByManagedIdentity {
		return tokenstore.Identity{Authority: c.TokenEndpoint(), ClientID: c.ClientID, Scope: c.Scope}
	}
	id := tokenstore.Identity{Authority: "managed identity", ClientID: c.ManagedIdentityClient(), Scope: c.Scope}
	if id.ClientID == "" {
		host, _ := os.Hostname()
		id.Authority += " of " + host
	}
	return id
}

// keys are what entries of a credential are sealed with: its own secret, so that
// who has lost that cannot open them either, or what is in the key file.
func (s state) keys(c config.Credential) tokenstore.Keys {
	switch c.Way() {
	case config.ByCertificate:
		file, password := readFile(c.CertificateFile), either(c.CertificatePassword, c.CertificatePasswordFile)
		return func() ([][]byte, error) {
			key, err := certificateKey(file, password)
			return [][]byte{key}, err
		}
	case config.BySecret:
		return secretKeys(either(c.ClientSecret, c.ClientSecretFile), next(c.NextClientSecretFile))
	}
	return secretKeys(either(config.Secret{}, s.keyFile), nil)
}

// secretKeys are the current secret and the next, if there is one yet.
func secretKeys(current, following credential.Secret) tokenstore.Keys {
	return func() ([][]byte, error) {
		secret, err := current()
		if err != nil {
			return nil, err
		}
		keys := [][]byte{[]byte(secret)}
		if following != nil {
			if secret, err := following(); err == nil {
				keys = append(keys, []byte(secret))
			}
		}
		return keys, nil
	}
}

func certificateKey(file func() ([]byte, error), password credential.Secret) ([]byte, error) {
	data, err := file()
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	word, err := password()
	if err != nil {
		return nil, fmt.Errorf("certificate's password: %w", err)
	}
	c, err := credential.ParseCertificate(data, word)
	if err != nil {
		return nil, err
	}
	return c.Derive("dvproxy token store")
}

// keptTokens is a token store as the cache sees it.
type keptTokens struct{ *tokenstore.Store }

func (s keptTokens) Load() (tokencache.Kept, bool) {
	e, ok := s.Store.Load()
	return tokencache.Kept(e), ok
}

func (s keptTokens) Save(k tokencache.Kept) { s.Store.Save(tokenstore.Entry(k)) }
