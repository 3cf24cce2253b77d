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
	column string
}

// action answers a call.
type action func(*call)

// resource is what a path leads to: the action for each method.
type resource map[string]action

// route finds what a path leads to and carries the method out. A new kind of
// resource is one more line in find or findRecord.
func (t *Tenant) route(w http.ResponseWriter, r *http.Request) {
	tg, ok := readTarget(r.RequestURI)
	if !ok {
		writeEmpty(w, http.StatusNotFound)
		return
	}
	c := &call{t: t, w: w, r: r, target: tg}
	found, refusal := c.find()
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	methods := found.methods()
	allow(w.Header(), strings.Join(methods, ","))
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	act := found[method]
	switch {
	case r.Method == http.MethodOptions:
		writeEmpty(w, http.StatusOK)
	case act == nil:
		c.refuse(wrongMethod(r.Method))
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
	case rest[0].hasKey || !isIdentifier(rest[0].name):
		return nil, unknownSegment(rest[0].name)
	}
	c.column = rest[0].name
	switch {
	case len(rest) == 1:
		return resource{
			http.MethodGet: (*call).readColumn, http.MethodPut: (*call).writeColumn,
			http.MethodPatch: (*call).uploadFile, http.MethodDelete: (*call).clearColumn,
		}, nil
	case len(rest) == 2 && rest[1].name == "$value":
		return resource{http.MethodGet: (*call).downloadFile}, nil
	}
	return nil, errPath
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

// prefers is the value of a preference, empty if there is none. There may be
// several Prefer fields.
func (c *call) prefers(name string) string {
	for _, field := range c.r.Header.Values("Prefer") {
		for part := range strings.SplitSeq(field, ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			if strings.EqualFold(strings.TrimSpace(key), name) {
				return strings.Trim(strings.TrimSpace(value), `"`)
			}
		}
	}
	return ""
}

// applied says which preference was honoured.
func (c *call) applied(preference string) {
	h := c.w.Header()
	h["Preference-Applied"] = append(h["Preference-Applied"], preference)
}

// maxJSONBody is the largest body of a write that is not a file.
const maxJSONBody = 128 << 20

// readBody reads the members of a JSON body and resolves its references.
func (c *call) readBody() ([]attribute, *odataError) {
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxJSONBody+1))
	switch {
	case err != nil:
		return nil, badPayload(c.set, err)
	case len(body) > maxJSONBody:
		return nil, errTooLarge
	}
	attributes, err := readObject(body)
	if err != nil {
		return nil, badPayload(c.set, err)
	}
	return c.bind(attributes)
}

func (c *call) executed(attributes []attribute) {
	c.t.stats.executed(c.set, rowName(attributes), c.r.Header.Get("x-ms-client-request-id"))
}
