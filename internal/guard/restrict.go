package guard

import (
	"net/http"
	"sync/atomic"
)

// Restrictions narrow what a client that passed may ask Dataverse for. The zero
// value restricts nothing.
type Restrictions struct {
	// ReadOnly lets GET, HEAD and OPTIONS pass, without a body, and neither a
	// batch nor a header that names another method.
	ReadOnly bool
	// DenyImpersonation refuses whatever names the user to act as: headers, and
	// those inside a batch or a SOAP envelope.
	DenyImpersonation bool
	// OnRefusal writes the answer. It must be set if anything is restricted.
	OnRefusal func(http.ResponseWriter, *http.Request, Refusal)
	// OnBroken is told of a body that was broken off on its way upstream. Whoever
	// read it got an error with the method Refusal, and has answered.
	OnBroken func(*http.Request, Refusal)
}

// Restrict returns a handler that hands to next what the restrictions allow:
// next itself, if there are none. It is for what is forwarded, behind [New]:
// what dvproxy serves by itself is no write of Dataverse's.
func Restrict(next http.Handler, o Restrictions) http.Handler {
	if !o.ReadOnly && !o.DenyImpersonation {
		return next
	}
	return &restricted{next: next, options: o}
}

type restricted struct {
	next    http.Handler
	options Restrictions
	held    atomic.Int64 // bytes of bodies that are read before they are passed on
}

// ServeHTTP implements [http.Handler].
func (g *restricted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := plainPath(r.RequestURI)
	if g.options.ReadOnly {
		if refusal, refused := refusesWrite(r, path); refused {
			g.options.OnRefusal(w, r, refusal)
			return
		}
	}
	if !g.options.DenyImpersonation {
		g.next.ServeHTTP(w, r)
		return
	}
	b, why := inspect(r, path)
	if why == "" && b != nil && g.reserve(r.ContentLength) {
		defer g.held.Add(-r.ContentLength)
		why = b.readAhead(r.ContentLength)
	}
	if why != "" {
		g.options.OnRefusal(w, r, impersonationRefused(why))
		return
	}
	if b == nil {
		g.next.ServeHTTP(w, r)
		return
	}
	r.Body = b
	defer func() { // ErrAbortHandler passes through here too
		if refusal := b.refusal.Load(); refusal != nil && g.options.OnBroken != nil {
			g.options.OnBroken(r, impersonationRefused(refusal.why))
		}
	}()
	g.next.ServeHTTP(w, r)
}

const (
	mostAhead = 1 << 20  // bytes of a body that is looked through before any of it is sent
	mostHeld  = 16 << 20 // of all of them together; what finds no room is looked through on its way
)

// reserve says whether a body of that declared length, -1 if it has none, is to
// be read ahead, and takes room for it.
func (g *restricted) reserve(length int64) bool {
	if length < 0 || length > mostAhead {
		return false
	}
	if g.held.Add(length) <= mostHeld {
		return true
	}
	g.held.Add(-length)
	return false
}
