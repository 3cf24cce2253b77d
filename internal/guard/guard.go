// Package guard refuses what does not come from this machine's own clients.
//
// dvproxy lends a credential to whoever can reach its listener. A web page in
// a browser on the same machine can: by a plain cross-site request, or by DNS
// rebinding, where a name of the attacker's resolves to 127.0.0.1. Such
// requests give themselves away in headers that a page cannot forge: Host,
// Origin, Referer and Sec-Fetch-Site. A guard looks at those and at the method
// before anything else does, so that nothing refused costs a token or reaches
// upstream. That is [New].
//
// Behind it, [Restrict] narrows what those clients may do with the credential:
// to reads (readonly.go), or to requests that name no other user to act as
// (caller.go). The latter looks into bodies while they flow (body.go): into
// batches line by line (lines.go), into SOAP tag by tag (tags.go).
package guard

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// methods are those of Dataverse's Web API, and MERGE of its OData v2 service.
var methods = []string{"GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "MERGE"}

// A Refusal is a request that does not pass.
type Refusal struct {
	Status  int    // of the answer
	Code    string // what of the error code dvproxy.what
	Message string // what happened and what to do
}

// Options are the optional settings of a Guard.
type Options struct {
	// SameOrigin lets pages of this very listener speak to it.
	SameOrigin bool
	// AnyHost lets requests pass that name any host, if it returns true:
	// for connections that no browser on this machine can have made.
	AnyHost func(*http.Request) bool
	// OnRefusal writes the answer. It must be set.
	OnRefusal func(http.ResponseWriter, *http.Request, Refusal)
}

// New returns a handler that hands to next what passes. Hosts are what a Host
// header may say, host:port in lower case; see [Hosts].
func New(next http.Handler, hosts []string, o Options) http.Handler {
	g := &guard{hosts: hosts, options: o}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refusal, refused := g.refuses(r); refused {
			o.OnRefusal(w, r, refusal)
			return
		}
		r.Header.Del("Upgrade") // no protocol but HTTP is spoken here
		next.ServeHTTP(w, r)
	})
}

type guard struct {
	hosts   []string
	options Options
}

func (g *guard) refuses(r *http.Request) (Refusal, bool) {
	if !slices.Contains(methods, r.Method) {
		return Refusal{http.StatusMethodNotAllowed, "method_refused", fmt.Sprintf(
			"The method %q is not passed on. Use one of %s.", clipped(r.Method), strings.Join(methods, ", "))}, true
	}
	if !g.knows(r) {
		return Refusal{http.StatusMisdirectedRequest, "host_refused", fmt.Sprintf(
			"The request is for host %q, which is not a name of this proxy. Point the client at one of %s, or add the name to guard.allowed_hosts.",
			clipped(r.Host), strings.Join(g.hosts, ", "))}, true
	}
	if from, foreign := g.foreign(r); foreign {
		return Refusal{http.StatusForbidden, "origin_refused", fmt.Sprintf(
			"The request comes from a web page (%s). This proxy does not serve browsers; call it from a program, without that header.", from)}, true
	}
	return Refusal{}, false
}

// knows says whether the request names one of our hosts. HTTP/1.0 without any
// host is an old client: browsers have sent Host since 1996.
func (g *guard) knows(r *http.Request) bool {
	if r.URL.Host != "" && r.URL.Scheme != scheme(r) { // absolute-form
		return false
	}
	if r.Host == "" {
		return !r.ProtoAtLeast(1, 1)
	}
	if slices.Contains(g.hosts, strings.ToLower(r.Host)) {
		return true
	}
	return g.options.AnyHost != nil && g.options.AnyHost(r)
}

// foreign names the header that tells that a page of another origin made the
// request. Where there are several of one name, each counts.
func (g *guard) foreign(r *http.Request) (header string, foreign bool) {
	for _, origin := range r.Header.Values("Origin") {
		if !g.options.SameOrigin || !g.ours(origin, r) {
			return "Origin", true
		}
	}
	for _, referer := range r.Header.Values("Referer") {
		if referer != "" && !g.ours(referer, r) {
			return "Referer", true
		}
	}
	for _, site := range r.Header.Values("Sec-Fetch-Site") {
		if site != "none" && site != "same-origin" {
			return "Sec-Fetch-Site", true
		}
	}
	return "", false
}

// ours says whether a URL is of this listener: the origin that the request
// itself names, or another of its hosts.
func (g *guard) ours(s string, r *http.Request) bool {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != scheme(r) || u.User != nil {
		return false
	}
	host := strings.ToLower(u.Host)
	return slices.Contains(g.hosts, host)
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// clipped bounds what is shown of a client's own words.
func clipped(s string) string {
	const longest = 100
	if len(s) > longest {
		return s[:longest] + "..."
	}
	return s
}
