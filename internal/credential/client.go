package credential

import (
	"bytes"
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

// newClient returns a client for token endpoints. Redirects are refused, since
// following one would hand the secret to whoever is named in it. Connections
// are not kept: fetches are many minutes apart, and an idle one would be dead.
func newClient() *http.Client {
	return &http.Client{
		Timeout:       totalLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirected },
		Transport: capped{&http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: connectLimit}).DialContext,
			TLSHandshakeTimeout: connectLimit,
			DisableKeepAlives:   true,
			ForceAttemptHTTP2:   true,
		}},
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
