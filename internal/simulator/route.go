package simulator

import (
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

	since int64 // the version from which on changes are tracked, 0 for none

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

// serve finds what the path leads to and carries the method out.
func (c *call) serve() {
	tg, ok := readTarget(c.r.RequestURI)
	if !ok {
		c.target = tg
		c.serveBeside(tg.path)
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

// serveBeside answers for what is not in the Web API, and not to be had in a batch.
func (c *call) serveBeside(path string) {
	id, isOperation := strings.CutPrefix(path, operationPath)
	rest, isV2 := cutPrefixFold(path, dataServicePath)
	switch {
	case c.inner:
		c.refuse(unknownSegment(path))
	case isOperation:
		c.serveOperation(id)
	case isV2 && (rest == "" || rest[0] == '/'):
		c.serveV2(rest)
	default:
		writeEmpty(c.w, http.StatusNotFound)
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
	case len(rest) == 0 && first.name == "RetrieveCurrentOrganization":
		return resource{http.MethodGet: (*call).currentOrganization}, nil
	case len(rest) == 0 && isCustomAPI(first.name):
		c.set = first.name
		return resource{http.MethodGet: (*call).callFunction, http.MethodPost: (*call).callAction}, nil
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
			http.MethodPatch: (*call).patchColumn, http.MethodDelete: (*call).clearColumn,
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
