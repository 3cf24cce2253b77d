package simulator

import (
	"io"
	"slices"
	"strings"
)

// misdirected tells why a request is not for this environment: its Host or the
// origin in its target is of another, or there is a second origin in its path.
// Where the tenant does not know the places at which it listens, any Host will do.
func (c *call) misdirected() *odataError {
	uri := c.r.RequestURI
	if origin := originOf(uri); origin != "" {
		if !c.t.isOwn(origin, c.r) && !slices.Contains(c.t.learnedOrigins(), origin) {
			return foreign(uri)
		}
		uri = uri[originEnd(uri):]
	}
	known := slices.Concat(c.t.declaredOrigins(), c.t.learnedOrigins())
	if len(c.t.learnedOrigins()) > 0 && !slices.Contains(known, originOf(c.scheme()+c.r.Host)) {
		return foreign(c.r.Host)
	}
	if path, _, _ := strings.Cut(uri, "?"); slices.ContainsFunc(splitPath(path), isScheme) {
		return errPath
	}
	return nil
}

// isScheme tells whether a segment of a path is where a URL begins that was
// written into it.
func isScheme(segment string) bool {
	segment = strings.ToLower(unescape(segment, false))
	return segment == "http:" || segment == "https:"
}

// base is the absolute URL of the Web API, as this client sees it.
func (c *call) base() string {
	return c.t.requestOrigin(c.r) + c.target.path[:len(apiPrefix)] + c.target.version + "/"
}

// prefers is the value of a preference, empty if there is none.
func (c *call) prefers(name string) string {
	value, _ := c.preference(name)
	return value
}

// preference looks for a preference and its value, which it may lack. There
// may be several Prefer fields. RFC 7240 2.
func (c *call) preference(name string) (value string, ok bool) {
	for _, field := range c.r.Header.Values("Prefer") {
		for _, part := range splitUnquoted(field, ',') {
			part, _, _ = strings.Cut(part, ";") // its parameters
			key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if strings.EqualFold(strings.TrimSpace(key), name) {
				return strings.Trim(strings.TrimSpace(value), `"`), true
			}
		}
	}
	return "", false
}

// applied says which preference was honoured.
func (c *call) applied(preference string) {
	h := c.w.Header()
	h["Preference-Applied"] = append(h["Preference-Applied"], preference)
}

// maxJSONBody is the largest body of a write that is not a file.
const maxJSONBody = 128 << 20

// readAll reads a body that is not a file.
func (c *call) readAll() ([]byte, *odataError) {
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxJSONBody+1))
	switch {
	case err != nil:
		return nil, badPayload(c.set, err)
	case len(body) > maxJSONBody:
		return nil, errTooLarge
	}
	return body, nil
}

// readBody reads the members of a JSON body and resolves its references.
func (c *call) readBody() ([]attribute, *odataError) {
	body, refusal := c.readAll()
	if refusal != nil {
		return nil, refusal
	}
	attributes, err := readObject(body)
	if err != nil {
		return nil, badPayload(c.set, err)
	}
	return c.bind(attributes)
}

// executed counts a write; in a change set only once all of it is done.
func (c *call) executed(attributes []attribute) {
	e := execution{c.set, rowName(attributes), c.r.Header.Get("x-ms-client-request-id")}
	if c.changes != nil {
		c.changes.executed = append(c.changes.executed, e)
		return
	}
	c.t.stats.executed(e.set, e.name, e.requestID)
}
