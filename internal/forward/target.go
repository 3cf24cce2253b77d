package forward

import (
	"net/http"
	"net/url"
	"strings"
)

// retarget points a request at the upstream origin, byte for byte with a
// request target in origin-form as the client wrote it: Dataverse's own links,
// which clients send back, hold semicolons, lower-case escapes and bare quotes,
// and their meaning is Dataverse's business. Nothing here looks into the query.
func retarget(r *http.Request, target string, upstream *url.URL) {
	r.URL = &url.URL{Scheme: upstream.Scheme, Host: upstream.Host, Opaque: target}
	r.Host = "" // the host of the URL
	if !strings.HasPrefix(target, "//") {
		return
	}
	// net/url takes an Opaque that begins with two slashes for an authority.
	// A path and a query say the same, if the path is one that net/url would
	// not escape anew; if it is, the absolute-form says it too (RFC 9112 3.2.2).
	path, query, hasQuery := strings.Cut(target, "?")
	if decoded, err := url.PathUnescape(path); err == nil {
		u := &url.URL{Scheme: upstream.Scheme, Host: upstream.Host, Path: decoded, RawPath: path, RawQuery: query, ForceQuery: hasQuery}
		if u.RequestURI() == target {
			r.URL = u
			return
		}
	}
	r.URL.Opaque = "//" + upstream.Host + target
}

// isTarget says whether a request target is one that can be sent on: a path
// with or without a query, an absolute URL with a host, or the asterisk of
// OPTIONS (RFC 9112 3.2). net/http lets others pass, such as mailto:x.
func isTarget(r *http.Request) bool {
	return strings.HasPrefix(r.RequestURI, "/") ||
		(r.RequestURI == "*" && r.Method == http.MethodOptions) ||
		(r.URL.Host != "" && strings.Contains(r.RequestURI, "://"))
}

// originForm is a request target without the scheme and authority that an
// absolute-form begins with: a path and a query, or the asterisk of OPTIONS.
func originForm(requestURI string) string {
	if strings.HasPrefix(requestURI, "/") || requestURI == "*" {
		return requestURI
	}
	_, rest, _ := strings.Cut(requestURI, "://")
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		if rest[i] == '?' {
			return "/" + rest[i:]
		}
		return rest[i:]
	}
	return "/"
}

// elided is the path of a request target for logs: without its query, and
// with the contents of parentheses, which are keys and parameters, left out.
func elided(requestURI string) string {
	path, _, _ := strings.Cut(originForm(requestURI), "?")
	var b strings.Builder
	depth := 0
	for i := 0; i < len(path) && b.Len() < 256; i++ {
		c, width := path[i], 1
		if c == '%' && i+2 < len(path) && path[i+1] == '2' && (path[i+2] == '8' || path[i+2] == '9') {
			c, width = "()"[path[i+2]-'8'], 3
		}
		switch {
		case c == '(':
			if depth == 0 {
				b.WriteString("(...")
			}
			depth++
		case c == ')' && depth > 0:
			if depth--; depth == 0 {
				b.WriteByte(')')
			}
		case depth == 0:
			b.WriteString(path[i : i+width])
		}
		i += width - 1
	}
	return b.String()
}
