package config

import (
	"net/url"
	"strconv"
	"strings"
)

// origin is scheme, host and port of a URL.
type origin struct {
	scheme string // http or https
	address
}

// parseURL reads an https URL, or an http one of a loopback host. What it
// returns beside says what to write instead, and is empty when text was right.
// It shows nothing of text, where a password may stand.
func parseURL(text string) (o origin, rest *url.URL, problem string) {
	o, rest, problem = parseAnyURL(text)
	if problem == "" && o.scheme == "http" && !o.loopback() {
		return o, nil, "must start with https://: over http:// the token or the secret would cross the network unencrypted"
	}
	return o, rest, problem
}

// parseAnyURL is parseURL for a URL that nothing secret is sent to.
func parseAnyURL(text string) (o origin, rest *url.URL, problem string) {
	u, err := url.Parse(text)
	switch {
	case err != nil && !strings.Contains(text, "://"), err == nil && u.Host == "":
		return o, nil, "must be a URL that starts with https:// and a host"
	case err != nil:
		return o, nil, "is not a valid URL"
	case u.User != nil:
		return o, nil, "must not contain a user name or password; how dvproxy signs in is set under credential"
	case u.Fragment != "":
		return o, nil, "must not contain a #"
	}
	o.scheme, o.host = strings.ToLower(u.Scheme), strings.ToLower(u.Hostname())
	if !validHost(o.host) || strings.Contains(o.host, "%") {
		return o, nil, "does not contain a valid host name; one with letters beyond a-z is written in its xn-- form"
	}
	if o.port, problem = o.parsePort(u); problem != "" {
		return o, nil, problem
	}
	if o.scheme != "http" && o.scheme != "https" {
		return o, nil, "must start with https://"
	}
	return o, u, ""
}

// parsePort is the port of u, or the one of its scheme.
func (o origin) parsePort(u *url.URL) (uint16, string) {
	switch {
	case u.Port() != "":
		n, err := strconv.ParseUint(u.Port(), 10, 16)
		if err != nil || n == 0 {
			return 0, "must have a port from 1 to 65535, or none"
		}
		return uint16(n), ""
	case o.scheme == "http":
		return 80, ""
	}
	return 443, ""
}

// parseOrigin is parseURL for a URL that is nothing but an origin; a slash at
// its end is no matter.
func parseOrigin(text string) (o origin, problem string) {
	o, u, problem := parseURL(text)
	if problem == "" {
		problem = alone(o, u)
	}
	return o, problem
}

// alone says what to write if a URL is more than its origin.
func alone(o origin, u *url.URL) (problem string) {
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery {
		return "must be the origin alone, without a path or query: " + o.String()
	}
	return ""
}

// String is the origin in its one normal form: lower case, without the port
// that the scheme implies, without a slash at the end.
func (o origin) String() string {
	s := o.scheme + "://" + o.address.String()
	if o.scheme == "http" {
		return strings.TrimSuffix(s, ":80")
	}
	return strings.TrimSuffix(s, ":443")
}

// label is the short name of the origin: the first label of a host name, or an IP address.
func (o origin) label() string {
	if strings.Trim(o.host, "0123456789.") == "" || strings.Contains(o.host, ":") {
		return o.host
	}
	label, _, _ := strings.Cut(o.host, ".")
	return label
}
