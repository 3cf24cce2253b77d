package credential

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	connectLimit = 5 * time.Second
	totalLimit   = 10 * time.Second
	answerLimit  = 256 << 10 // bytes; a token with many roles has some tens of KiB
)

var (
	errRedirected = errors.New("the token endpoint redirects")
	errTooLarge   = fmt.Errorf("the token endpoint's answer is over %d KiB", answerLimit>>10)
)

// NewTransport returns a transport for token endpoints, which goes through the
// proxy that the environment names (HTTPS_PROXY, NO_PROXY). Roots are the
// certificate authorities it trusts; nil means the system's. Connections are
// not kept: fetches are many minutes apart, and an idle one would be dead.
func NewTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: connectLimit}).DialContext,
		TLSClientConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: connectLimit,
		DisableKeepAlives:   true,
		ForceAttemptHTTP2:   true,
	}
}

// newClient returns a client for token endpoints; nil means the default
// transport. Redirects are refused, since following one would hand the secret
// to whoever is named in it.
func newClient(transport http.RoundTripper) *http.Client {
	if transport == nil {
		transport = NewTransport(nil)
	}
	return &http.Client{
		Timeout:       totalLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirected },
		Transport:     capped{transport},
	}
}

// capped reads each answer of a transport whole, within answerLimit.
type capped struct{ next http.RoundTripper }

func (c capped) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	if err != nil {
		return nil, err
	}
	if len(body) > answerLimit {
		return nil, errTooLarge
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}
