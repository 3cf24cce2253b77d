package credential

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// ClientCertificateOptions are the optional settings of a [ClientCertificate].
type ClientCertificateOptions struct {
	Options
	// Password is that of a PFX file. Default: none.
	Password Secret
	// SendChain sends the certificate and its chain along (x5c), for
	// applications that trust an authority's subject names and not single
	// certificates.
	SendChain bool
	// RS256 signs with RSASSA-PKCS1-v1_5, as AD FS wants it. Default: PS256,
	// which Microsoft's certificate credentials page asks for.
	RS256 bool
	// OnKept is told why the file cannot be used, each time that the
	// certificate read before it is used in its place. Default: nobody is.
	OnKept func(error)
}

// ClientCertificate signs in with a certificate that is registered with the
// application, by a client assertion: RFC 7523 2.2, and Microsoft identity
// platform application authentication certificate credentials.
//
// A file that cannot be used, because it is half-written, say, makes the source
// go on with the certificate that it read before, as long as that is in its
// time. So does one that Entra refuses, which may not know it yet, with the
// certificate that it has accepted.
type ClientCertificate struct {
	app  application
	file func() ([]byte, error)
	o    ClientCertificateOptions

	mu   sync.Mutex   // guards what follows
	seen fingerprint  // of the file at the latest fetch; zero if it could not be read
	good *Certificate // the latest that could be used; nil before the first
	from fingerprint  // of the file that good came from

	accepted *Certificate // by Entra, most recently; nil before the first
}

// fingerprint tells one state of a file and its password from another.
type fingerprint [sha256.Size]byte

// NewClientCertificate returns a source that posts to the token endpoint, a
// URL. Scope is as for [NewClientSecret]. File returns what is in the
// certificate file now; see [ParseCertificate]. Its error is shown.
func NewClientCertificate(endpoint, clientID, scope string, file func() ([]byte, error), o ClientCertificateOptions) *ClientCertificate {
	if o.Password == nil {
		o.Password = func() (string, error) { return "", nil }
	}
	if o.OnKept == nil {
		o.OnKept = func(error) {}
	}
	return &ClientCertificate{app: newApplication(endpoint, clientID, scope, o.Options), file: file, o: o}
}

// Token fetches a token, as [ClientSecret.Token] does.
func (s *ClientCertificate) Token(ctx context.Context, claims string) (*oauth2.Token, error) {
	now := time.Now()
	certificate, problem := s.certificate(now)
	if certificate == nil {
		return nil, problem
	}
	if problem != nil {
		s.o.OnKept(problem)
	}
	token, err := s.with(ctx, claims, certificate, now)
	if !isAboutSecret(err) {
		return token, err
	}
	if problem == nil {
		problem = err
	}
	s.mu.Lock()
	before := s.accepted
	s.mu.Unlock()
	if before != nil && before.Thumbprint() != certificate.Thumbprint() && before.Usable(now) == nil {
		token, err = s.with(ctx, claims, before, now)
		if err == nil {
			s.o.OnKept(problem)
		}
		if !isAboutSecret(err) {
			return token, err
		}
	}
	return nil, problem // which is what to mend
}

// with fetches a token with one certificate.
func (s *ClientCertificate) with(ctx context.Context, claims string, c *Certificate, now time.Time) (*oauth2.Token, error) {
	assertion, err := s.assertion(c, now)
	if err != nil {
		return nil, unusable("the certificate's key cannot sign", "make another: "+makeCertificate)
	}
	token, err := s.app.withAssertion(ctx, claims, assertion)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.accepted = c
	}
	return token, err
}

// Changed reports whether the file or its password is another one than at the
// latest fetch.
func (s *ClientCertificate) Changed() bool {
	_, _, now, err := s.read()
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && now != s.seen
}

// NotAfter is when the certificate in use expires; zero before one was used.
func (s *ClientCertificate) NotAfter() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.accepted != nil:
		return s.accepted.NotAfter()
	case s.good != nil:
		return s.good.NotAfter()
	}
	return time.Time{}
}

// certificate is the one in the file; or else the one before, if it is in its
// time, with an error that says what is wrong with the file.
func (s *ClientCertificate) certificate(now time.Time) (*Certificate, error) {
	data, password, print, err := s.read()
	s.mu.Lock()
	before, from := s.good, s.from
	s.seen = print
	s.mu.Unlock()

	var current *Certificate
	switch {
	case err != nil:
	case before != nil && print == from:
		current = before
	default:
		current, err = ParseCertificate(data, password)
	}
	if err == nil {
		err = current.Usable(now)
	}
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.good, s.from = current, print
		return current, nil
	}
	if before != nil && before != current && before.Usable(now) == nil {
		return before, err
	}
	return nil, err
}

// read returns what is in the file now. The error is an [*Error].
func (s *ClientCertificate) read() (data []byte, password string, print fingerprint, err error) {
	data, err = s.file()
	if err != nil {
		return nil, "", print, asError("certificate file", err)
	}
	password, err = s.o.Password()
	if err != nil {
		return nil, "", print, asError("certificate's password", err)
	}
	// The password's digest has a fixed length, so the two cannot run together.
	of := sha256.Sum256([]byte(password))
	return data, password, sha256.Sum256(append(of[:], data...)), nil
}

func asError(what string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return unreadable(what, err)
}
