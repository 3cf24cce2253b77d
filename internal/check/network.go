package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

func newTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout: limit / 2,
		ForceAttemptHTTP2:   true,
	}
}

// reach sends a request without a token, which shows whether name, network,
// certificate and clock are right, and hands the answer on.
func (r *run) reach(ctx context.Context, what string, u *url.URL, next func(*http.Response)) bool {
	host := u.Hostname()
	var addresses []string
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSDone: func(d httptrace.DNSDoneInfo) {
			for _, a := range d.Addrs {
				addresses = append(addresses, a.String())
			}
		},
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		r.fail(what+" network", "the URL cannot be asked for", "look at url and authority in the configuration")
		return false
	}
	via, _ := http.ProxyFromEnvironment(request)
	sent := time.Now()
	resp, err := r.client.Do(request)
	took := time.Since(sent)
	if err != nil {
		r.unreached(what, host, via, err)
		return false
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	switch {
	case via != nil: // then the addresses are the proxy's
		r.pass(what+" dns", "left to the proxy "+via.Host+", which HTTPS_PROXY names")
	case len(addresses) > 0:
		r.pass(what+" dns", host+" is "+strings.Join(addresses, ", "))
	}
	if resp.TLS != nil {
		leaf := resp.TLS.PeerCertificates[0]
		r.pass(what+" tls", fmt.Sprintf("%s, certificate of %s until %s", tls.VersionName(resp.TLS.Version), issuer(leaf), leaf.NotAfter.UTC().Format(time.DateOnly)))
	}
	r.clock(what, resp.Header.Get("Date"), sent.Add(took/2))
	if next != nil {
		next(resp)
	}
	return true
}

func issuer(c *x509.Certificate) string {
	if len(c.Issuer.Organization) > 0 {
		return c.Issuer.Organization[0]
	}
	return c.Issuer.CommonName
}
