package odata

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// maxOrigin is the longest origin accepted, in bytes: a host name of 253, and
// room for the scheme and a port. It bounds what a stream may have to hold
// back at the end of a chunk.
const maxOrigin = 280

// origin is where a link may point to. RFC 6454 section 4.
type origin struct {
	scheme string // "http" or "https"
	host   string // lower case, with the port unless it is the scheme's own: "contoso.crm.dynamics.com", "[::1]:7080"
	port   string // the scheme's own port, which a link may spell out: ":443"; empty where host has another
	text   string // scheme and host as a link writes them
}

// parseOrigin reads an origin as it is written in a configuration or made of a
// scheme and a Host header: "https://contoso.crm.dynamics.com". A single slash
// may follow; user information, a path, a query or a character that no host
// has is an error.
func parseOrigin(s string) (origin, error) {
	u, err := url.Parse(s)
	if err != nil {
		// The text that url.Parse quotes may hold a password.
		return origin{}, errors.New("not a URL")
	}
	o := origin{scheme: strings.ToLower(u.Scheme), host: strings.ToLower(u.Host)}
	switch o.scheme {
	case "http":
		o.port = ":80"
	case "https":
		o.port = ":443"
	default:
		return origin{}, fmt.Errorf("scheme %q is neither http nor https", u.Scheme)
	}
	if u.User != nil {
		return origin{}, errors.New("an origin has no user information")
	}
	if (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#") {
		return origin{}, errors.New("an origin has no path, query or fragment")
	}
	if u.Hostname() == "" {
		return origin{}, errors.New("the host is missing")
	}
	if len(o.host) > maxOrigin-len("https://") {
		return origin{}, errors.New("the host is too long")
	}
	for _, r := range o.host {
		if notInHost(r) {
			return origin{}, fmt.Errorf("the host holds %q", r)
		}
	}
	o.host = strings.TrimSuffix(o.host, ":")
	if u.Port() != "" {
		if bare, ok := strings.CutSuffix(o.host, o.port); ok {
			o.host = bare
		} else {
			o.port = ""
		}
	}
	o.text = o.scheme + "://" + o.host
	return o, nil
}

// notInHost keeps out whatever would need an escape in JSON, in a header or in
// a query, so that an origin can be written into each of them as it is.
func notInHost(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("-._:[]", r)
}

// parseOrigins reads a list, leaving out repetitions; what names it in errors.
func parseOrigins(what string, list []string) ([]origin, error) {
	var (
		out  []origin
		errs []error
	)
	seen := make(map[origin]bool)
	for _, s := range list {
		o, err := parseOrigin(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s origin: %w", what, err))
			continue
		}
		if !seen[o] {
			seen[o] = true
			out = append(out, o)
		}
	}
	if len(list) == 0 {
		errs = append(errs, fmt.Errorf("%s origin: none given", what))
	}
	return out, errors.Join(errs...)
}
