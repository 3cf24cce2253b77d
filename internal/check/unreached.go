package check

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
)

const checkRoute = "check firewall and route, and whether HTTPS_PROXY has to be set"

// unreached says why there was no answer. Via is the proxy that was to be
// used, if there is one: then most failures are between here and there.
func (r *run) unreached(what, host string, via *url.URL, err error) {
	var dns *net.DNSError
	var operation *net.OpError
	isOperation := errors.As(err, &operation)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		r.fail(what+" dns", "there is no address for "+dns.Name, "check the spelling of the host, the name server of this machine, and whether HTTPS_PROXY has to be set")
	case errors.As(err, &dns):
		r.fail(what+" dns", "the name server does not say what the address of "+dns.Name+" is", "check the name server of this machine, and whether HTTPS_PROXY has to be set")
	case r.distrusted(what, host, err):
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		r.fail(what+" network", "no answer from "+host+" in time", checkRoute)
	case via != nil && isOperation && operation.Op == "proxyconnect":
		r.fail(what+" network", "the proxy "+via.Host+" is not reached: "+innermost(err).Error(), "check HTTPS_PROXY, and NO_PROXY if "+host+" is reached without a proxy")
	case isOperation:
		r.fail(what+" network", operation.Op+" "+host+": "+operation.Err.Error(), checkRoute)
	case via != nil:
		r.fail(what+" network", "the proxy "+via.Host+" does not lead to "+host+": "+innermost(err).Error(), "check HTTPS_PROXY (its user and password too), and that the proxy lets "+host+" pass")
	default:
		r.fail(what+" network", "no answer from "+host+": "+innermost(err).Error(), "check that it is the host of a web server")
	}
}

// distrusted says what is wrong with the other side's TLS, if that is what
// kept the answer away.
func (r *run) distrusted(what, host string, err error) bool {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		r.fail(what+" tls", "the certificate of "+host+" is of an authority that this machine does not know",
			"if a firewall or proxy of your own looks into TLS, give its root certificate: ca_file")
	case errors.As(err, &name):
		r.fail(what+" tls", "the certificate is not for "+host, "check the host; something else may answer in its place")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		r.fail(what+" tls", "the certificate of "+host+" is not valid now", "check the clock of this machine")
	case errors.As(err, &invalid):
		r.fail(what+" tls", "the certificate of "+host+" is not good: "+invalid.Error(), "check the host; something else may answer in its place")
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		r.fail(what+" tls", host+" does not speak TLS there", "check scheme and port")
	default:
		return false
	}
	return true
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
