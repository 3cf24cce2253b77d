package odata

import (
	"errors"
	"strings"
	"sync/atomic"
)

// Origins names both ends of the mapping. An origin is a scheme, a host and a
// port, where that is not the scheme's own: "https://contoso.crm.dynamics.com",
// "http://localhost:7080".
type Origins struct {
	// Remote lists the origins that the environment puts into links. The first
	// is the canonical one, which requests are mapped to; the others are
	// aliases, such as the .api. twin. At least one is required.
	Remote []string

	// Local lists the origins that clients may use for the proxy: localhost,
	// 127.0.0.1, [::1] and what else is listened on. Answers to a request
	// without a Host use the first. Required unless Public is set.
	Local []string

	// Public is the origin for all answers, whatever the client's Host says,
	// for set-ups where that is not what the client dialled (a mapped port, an
	// ingress). Empty means: the origin that the client used.
	Public string

	// Counts are counted on, where the mapper takes the place of another. Nil
	// means: from 0.
	Counts *Counts
}

// Counts are of links mapped, by direction. The zero value is ready for use.
type Counts struct{ requests, responses atomic.Uint64 }

// Mapper maps links between one environment and its clients. It is compiled
// once, is immutable but for its counts, and is safe for concurrent use.
type Mapper struct {
	remote, local []origin
	views         []*View // one for each local origin; the first is the default
	public        bool
	counts        *Counts
}

// New compiles a mapper. The error names every origin that is malformed or
// missing, and every remote one that is also a local one.
func New(o Origins) (*Mapper, error) {
	local := o.Local
	if o.Public != "" {
		local = append([]string{o.Public}, local...)
	}
	var (
		m          = &Mapper{public: o.Public != "", counts: o.Counts}
		err1, err2 error
	)
	if m.counts == nil {
		m.counts = &Counts{}
	}
	m.remote, err1 = parseOrigins("remote", o.Remote)
	m.local, err2 = parseOrigins("local", local)
	errs := []error{err1, err2}
	for _, r := range m.remote {
		for _, l := range m.local {
			if r == l {
				errs = append(errs, errors.New("origin "+r.text+" is both remote and local"))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for _, l := range m.local {
		m.views = append(m.views, m.view(l))
	}
	return m, nil
}

// Mapped is the number of links mapped so far, by direction. A link of a
// request body that is sent twice counts twice.
func (m *Mapper) Mapped() (requests, responses uint64) {
	return m.counts.requests.Load(), m.counts.responses.Load()
}

// At is the environment as seen by a client that sent its request with that
// scheme and Host. A host that no origin can have, or none (HTTP/1.0, a Unix
// socket), gives the default: Origins.Public, else the first of Origins.Local.
// At allocates nothing for the origins in Origins. Of a nil Mapper it is nil.
func (m *Mapper) At(scheme, host string) *View {
	if m == nil {
		return nil
	}
	if m.public || host == "" {
		return m.views[0]
	}
	for _, v := range m.views {
		o := &v.answers.to
		if strings.EqualFold(scheme, o.scheme) && strings.EqualFold(host, o.host) {
			return v
		}
	}
	o, err := parseOrigin(scheme + "://" + host)
	if err != nil {
		return m.views[0]
	}
	return m.view(o)
}

// view compiles what a client at the local origin o needs.
func (m *Mapper) view(o origin) *View {
	v := &View{
		answers: newSwap(m.remote, o, &m.counts.responses),
		sent:    newSwap(m.local, m.remote[0], &m.counts.requests),
	}
	for _, r := range m.remote {
		if r == o { // no proxy to speak of; and nothing must map to itself
			v.answers.from = nil
			v.sent.from = nil
			return v
		}
	}
	for _, l := range m.local {
		if l == o {
			return v
		}
	}
	v.sent = newSwap(append([]origin{o}, m.local...), m.remote[0], &m.counts.requests)
	return v
}

// View is one environment as clients see it at one local origin. It is
// immutable and safe for concurrent use; what flows goes through the streams
// it makes. A nil View maps nothing.
type View struct {
	answers *swap // remote to local
	sent    *swap // local to remote
}

// swap is one direction: which origins to find and what to put in their place.
type swap struct {
	from    []origin
	to      origin
	slashed string // to, written with `\/`
	reach   int    // the longest text that match may need to decide in JSON
	count   *atomic.Uint64
}

func newSwap(from []origin, to origin, count *atomic.Uint64) *swap {
	s := &swap{from: from, to: to, count: count}
	s.slashed = strings.ReplaceAll(to.text, "/", `\/`)
	for _, o := range from {
		// Two escaped slashes, a port, and an escaped slash after it.
		s.reach = max(s.reach, len(o.text)+2+len(":443")+2)
	}
	return s
}

// json is the replacement for a link in JSON, spelt like the link.
func (s *swap) json(sp spelling) string {
	if sp.slash == len(`\/`) {
		return s.slashed
	}
	return s.to.text
}
