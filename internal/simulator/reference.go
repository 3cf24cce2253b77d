package simulator

import (
	"fmt"
	"net/http"
	"strings"
)

// reference names a record.
type reference struct{ set, id string }

// resolve finds the record that a reference names: contacts(guid),
// /contacts(guid), the same from the root of the server, or an absolute URL
// under this environment's origin; in a change set also $ and a Content-ID.
func (c *call) resolve(text string) (reference, *odataError) {
	if c.inner && strings.HasPrefix(text, "$") {
		path, ok := c.changes.path(text)
		if !ok {
			return reference{}, unknownContentID(text)
		}
		return c.resolve(path)
	}
	path := "/" + strings.TrimPrefix(text, "/")
	absolute := strings.Contains(text, "://")
	if absolute {
		if !c.t.isOwn(text[:originEnd(text)], c.r) {
			return reference{}, badPayload(c.set, fmt.Errorf("%s is not a URL of this environment", text))
		}
		path = text[originEnd(text):]
	}
	tg, ok := readTarget(path)
	if !ok && !absolute {
		tg, ok = readTarget(apiPrefix + "v9" + path)
	}
	if !ok || len(tg.segments) != 1 || tg.query != "" {
		return reference{}, notARecord(c.set, text)
	}
	s := tg.segments[0]
	key, ok := readKey(s.name, s.key)
	if !s.hasKey || !isSetName(s.name) || !ok {
		return reference{}, notARecord(c.set, text)
	}
	if key.id != "" {
		return reference{s.name, key.id}, nil
	}
	r, refusal := c.t.rows.find(s.name, key)
	if refusal != nil {
		return reference{}, badPayload(c.set, fmt.Errorf("%s: %s", text, refusal.message))
	}
	return reference{s.name, r.id}, nil
}

func notARecord(set, text string) *odataError {
	return badPayload(set, fmt.Errorf("%s does not name a record", text))
}

// originEnd is where the origin of an absolute URL ends.
func originEnd(url string) int {
	start := strings.Index(url, "://") + len("://")
	if i := strings.IndexAny(url[start:], "/?#"); i >= 0 {
		return start + i
	}
	return len(url)
}

// isOwn tells whether an origin is this environment's, as the client of r sees it.
func (t *Tenant) isOwn(origin string, r *http.Request) bool {
	bare := originOf(origin)
	return bare != "" && t.acceptsAudience(bare, t.requestOrigin(r))
}

// isElsewhere tells whether text is an absolute URL of another origin.
func (c *call) isElsewhere(text string) bool {
	return strings.Contains(text, "://") && !c.t.isOwn(text[:originEnd(text)], c.r)
}

func (c *call) scheme() string {
	if c.r.TLS != nil {
		return "https://"
	}
	return "http://"
}

func foreign(url string) *odataError {
	return &odataError{http.StatusBadRequest, "0x80060888", fmt.Sprintf("%.200s is not of this environment.", url)}
}
