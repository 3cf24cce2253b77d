package simulator

import (
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// call is a request that was let through, with what the path says.
type call struct {
	t      *Tenant
	w      http.ResponseWriter
	r      *http.Request
	target target
	set    string
	key    rowKey
	column string // or navigation property

	related string // the key after a navigation property
	bound   []link // what the body binds, beyond columns

	inner   bool       // the request came in a batch
	changes *changeSet // that the request is part of
}

// journal is where what the call does is noted down, nil if it need not be.
func (c *call) journal() *journal {
	if c.changes == nil {
		return nil
	}
	return &c.changes.journal
}

// action answers a call.
type action func(*call)

// resource is what a path leads to: the action for each method.
type resource map[string]action

// route answers a request that came by itself. A new kind of resource is one
// more line in find, findInSet or findInRecord.
func (t *Tenant) route(w http.ResponseWriter, r *http.Request) {
	c := &call{t: t, w: w, r: r}
	if refusal := c.misdirected(); refusal != nil {
		c.refuse(refusal)
		return
	}
	c.serve()
}

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

// serve finds what the path leads to and carries the method out.
func (c *call) serve() {
	tg, ok := readTarget(c.r.RequestURI)
	switch {
	case !ok && c.inner:
		c.refuse(unknownSegment(tg.path))
		return
	case !ok:
		writeEmpty(c.w, http.StatusNotFound)
		return
	}
	c.target = tg
	found, refusal := c.find()
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	methods := found.methods()
	allow(c.w.Header(), strings.Join(methods, ","))
	method := c.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	act := found[method]
	switch {
	case c.r.Method == http.MethodOptions:
		writeEmpty(c.w, http.StatusOK)
	case act == nil:
		c.refuse(wrongMethod(c.r.Method))
	default:
		act(c)
	}
}

func (res resource) methods() []string {
	names := slices.Collect(maps.Keys(res))
	names = append(names, http.MethodOptions)
	if res[http.MethodGet] != nil {
		names = append(names, http.MethodHead)
	}
	slices.Sort(names)
	return names
}

// find looks at the first segment: the document of the service itself, a
// function, or an entity set. Sets are any lower-case plural.
func (c *call) find() (resource, *odataError) {
	segments := c.target.segments
	if len(segments) == 0 {
		return resource{http.MethodGet: (*call).serviceDocument}, nil
	}
	first, rest := segments[0], segments[1:]
	switch {
	case len(rest) == 0 && first.name == "WhoAmI":
		return resource{http.MethodGet: (*call).whoAmI}, nil
	case len(rest) == 0 && first.name == "$metadata":
		return resource{http.MethodGet: (*call).metadata}, nil
	case len(rest) == 0 && first.name == "$batch" && c.inner:
		return nil, badBatch("it has another batch in it")
	case len(rest) == 0 && first.name == "$batch":
		return resource{http.MethodPost: (*call).batch}, nil
	case !isSetName(first.name):
		return nil, unknownSegment(first.name)
	}
	c.set = first.name
	if !first.hasKey {
		return c.findInSet(rest)
	}
	key, ok := readKey(c.set, first.key)
	if !ok {
		return nil, errPath
	}
	c.key = key
	return c.findInRecord(rest)
}

func (c *call) findInSet(rest []segment) (resource, *odataError) {
	switch {
	case len(rest) == 0:
		return resource{http.MethodGet: (*call).list, http.MethodPost: (*call).create}, nil
	case len(rest) == 1 && rest[0].name == "$count":
		return resource{http.MethodGet: (*call).countRows}, nil
	}
	return nil, errPath
}

func (c *call) findInRecord(rest []segment) (resource, *odataError) {
	switch {
	case len(rest) == 0:
		return resource{
			http.MethodGet: (*call).readOne, http.MethodPatch: (*call).patch, http.MethodDelete: (*call).remove,
		}, nil
	case !isIdentifier(rest[0].name):
		return nil, unknownSegment(rest[0].name)
	}
	c.column = rest[0].name
	if rest[0].hasKey {
		return c.findRelated(rest)
	}
	switch {
	case len(rest) == 1:
		return resource{
			http.MethodGet: (*call).readColumn, http.MethodPut: (*call).writeColumn,
			http.MethodPatch: (*call).uploadFile, http.MethodDelete: (*call).clearColumn,
		}, nil
	case len(rest) == 2 && rest[1].name == "$value":
		return resource{http.MethodGet: (*call).downloadFile}, nil
	case len(rest) == 2 && rest[1].name == "$ref":
		return resource{
			http.MethodGet: (*call).readReferences, http.MethodPost: (*call).associate,
			http.MethodPut: (*call).setReference, http.MethodDelete: (*call).disassociate,
		}, nil
	}
	return nil, errPath
}

// findRelated is a path that names one of the records which a navigation
// property leads to: only the link to it is there.
func (c *call) findRelated(rest []segment) (resource, *odataError) {
	if len(rest) != 2 || rest[1].name != "$ref" || !isGUID(rest[0].key) {
		return nil, unknownSegment(rest[0].name)
	}
	c.related = strings.ToLower(rest[0].key)
	return resource{http.MethodDelete: (*call).disassociate}, nil
}

// isSetName tells whether s may be an entity set: those are plurals in lower
// case, functions and actions begin with a capital.
func isSetName(s string) bool {
	return len(s) > 1 && isIdentifier(s) && strings.ToLower(s) == s && strings.HasSuffix(s, "s")
}

// refuse answers with an error. It reads the request to its end first, as
// Dataverse does once it has let a request in.
func (c *call) refuse(e *odataError) {
	drain(c.r)
	e.write(c.w)
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
