package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
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
	sent := time.Now()
	resp, err := r.client.Do(request)
	took := time.Since(sent)
	if err != nil {
		r.unreached(what, host, err)
		return false
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	if len(addresses) > 0 {
		r.pass(what+" dns", host+" is "+strings.Join(addresses, ", "))
	} else if via, _ := http.ProxyFromEnvironment(request); via != nil {
		r.pass(what+" dns", "left to the proxy "+via.Host+", which HTTPS_PROXY names")
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

// unreached says why there was no answer.
func (r *run) unreached(what, host string, err error) {
	var dns *net.DNSError
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var operation *net.OpError
	switch {
	case errors.As(err, &dns):
		r.fail(what+" dns", "there is no address for "+dns.Name, "check the spelling of the host, the name server of this machine, and whether HTTPS_PROXY has to be set")
	case errors.As(err, &authority):
		r.fail(what+" tls", "the certificate of "+host+" is of an authority that this machine does not know",
			"if a firewall or proxy of your own looks into TLS, give its root certificate: ca_file")
	case errors.As(err, &name):
		r.fail(what+" tls", "the certificate is not for "+host, "check the host; something else may answer in its place")
	case errors.As(err, &invalid):
		r.fail(what+" tls", "the certificate of "+host+" is not valid now", "check the clock of this machine")
	case errors.As(err, &record):
		r.fail(what+" tls", host+" does not speak TLS there", "check scheme and port")
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		r.fail(what+" network", "no answer from "+host+" in time", "check firewall and route, and whether HTTPS_PROXY has to be set")
	case errors.As(err, &operation):
		r.fail(what+" network", operation.Op+" "+host+": "+operation.Err.Error(), "check firewall and route, and whether HTTPS_PROXY has to be set")
	default:
		r.fail(what+" network", "no answer from "+host+": "+innermost(err).Error(), "check that it is the host of a web server")
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func innermost(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	return err
}

// clock compares this machine's time with that of an answer's Date. Entra
// dates tokens and judges client assertions by its own.
func (r *run) clock(what, date string, now time.Time) {
	const odd, wrong = 30 * time.Second, 5 * time.Minute
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	skew := now.Sub(at.Add(500 * time.Millisecond)).Round(time.Second) // Date is cut to seconds
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	detail := fmt.Sprintf("this machine's clock is %v %s that of the %s", skew.Abs(), direction, what)
	switch {
	case skew.Abs() >= wrong:
		r.fail(what+" clock", detail, "set the clock, and let NTP keep it: client assertions and certificates are judged by it")
	case skew.Abs() >= odd:
		r.warn(what+" clock", detail, "let NTP keep the clock")
	default:
		r.pass(what+" clock", "within a few seconds of that of the "+what)
	}
}
