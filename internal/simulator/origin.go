package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// originOf gives the scheme and authority of an absolute http(s) URL in lower
// case, without a default port; empty for anything else.
func originOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	default:
		return ""
	}
	return u.Scheme + "://" + host
}

// requestOrigin is the environment's origin as this client sees it, and as the
// links in its answer will say it.
func (t *Tenant) requestOrigin(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	seen := originOf(scheme + "://" + r.Host)
	if t.opts.Origin == "" {
		return seen
	}
	for _, alias := range t.opts.Aliases {
		if origin := originOf(alias); hostOf(origin) == hostOf(seen) {
			return origin
		}
	}
	return originOf(t.opts.Origin)
}

// acceptsAudience tells whether a token for aud opens this environment to a
// request that came in for origin.
func (t *Tenant) acceptsAudience(aud, origin string) bool {
	bare := originOf(aud)
	if bare == "" || strings.TrimSuffix(strings.ToLower(aud), "/") != bare {
		return false
	}
	return bare == origin || slices.Contains(t.declaredOrigins(), bare)
}

// knowsResource tells whether Entra has a service principal for resource. While
// no origin was declared it knows any web origin, since the environment will
// compare the audience with its own.
func (t *Tenant) knowsResource(resource string) bool {
	bare := originOf(resource)
	if bare == "" {
		return false
	}
	if t.isGraph(bare) {
		return true
	}
	known := slices.Concat(t.declaredOrigins(), t.learnedOrigins())
	return len(known) == 0 || slices.Contains(known, bare)
}

func (t *Tenant) declaredOrigins() []string {
	if t.opts.Origin == "" {
		return nil
	}
	origins := []string{originOf(t.opts.Origin)}
	for _, alias := range t.opts.Aliases {
		origins = append(origins, originOf(alias))
	}
	return origins
}

func (t *Tenant) learnedOrigins() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.learned)
}

func hostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	return host
}
