package simulator

import (
	"net/http"
	"strings"
)

// dataServicePath is the Organization Data Service, which speaks OData 2. It
// shows the same records under other names: AccountSet for accounts, Name for
// name, and an object for a look-up column.
const dataServicePath = "/XRMServices/2011/OrganizationData.svc"

// v2Set is the entity set that a segment of the data service stands for.
func v2Set(segment string) (set string, ok bool) {
	name, ok := strings.CutSuffix(segment, "Set")
	name = strings.ToLower(name)
	if !ok || !isIdentifier(name) {
		return "", false
	}
	switch stem, isY := strings.CutSuffix(name, "y"); {
	case isY:
		return stem + "ies", true
	case strings.HasSuffix(name, "ss") || strings.HasSuffix(name, "x"):
		return name + "es", true
	}
	return name + "s", true
}

// v2Name is the name of a column there, v2Entity that of a set's entity.
func v2Name(column string) string {
	if column == "" {
		return ""
	}
	return strings.ToUpper(column[:1]) + column[1:]
}

func v2Entity(set string) string { return v2Name(entityName(set)) }

// v2Key reads guid'...'.
func v2Key(text string) (rowKey, bool) {
	id := strings.TrimSuffix(strings.TrimPrefix(text, "guid'"), "'")
	return rowKey{id: strings.ToLower(id)}, isGUID(id) && len(text) == guidLength+len("guid''")
}

// serveV2 is the way of a request to the data service. The rest of the path is
// what comes after the service's own.
func (c *call) serveV2(rest string) {
	var segments []segment
	for _, raw := range splitPath(strings.TrimPrefix(rest, "/")) {
		segments = append(segments, readSegment(unescape(raw, false)))
	}
	found, refusal := c.findV2(segments)
	if refusal != nil {
		c.refuseV2(refusal)
		return
	}
	method := c.r.Method
	if other := c.r.Header.Get("X-HTTP-Method"); method == http.MethodPost && other != "" {
		method = other
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	allow(c.w.Header(), strings.Join(found.methods(), ","))
	act := found[method]
	if act == nil {
		c.refuseV2(wrongMethod(method))
		return
	}
	act(c)
}

func (c *call) findV2(segments []segment) (resource, *odataError) {
	if len(segments) == 0 {
		return nil, unknownSegment("")
	}
	set, ok := v2Set(segments[0].name)
	if !ok {
		return nil, unknownSegment(segments[0].name)
	}
	c.set = set
	if !segments[0].hasKey && len(segments) == 1 {
		return resource{http.MethodGet: (*call).listV2, http.MethodPost: (*call).createV2}, nil
	}
	if c.key, ok = v2Key(segments[0].key); !ok {
		return nil, errPath
	}
	switch {
	case len(segments) == 1:
		return resource{
			http.MethodGet: (*call).readV2, "MERGE": (*call).mergeV2,
			http.MethodPut: (*call).mergeV2, http.MethodDelete: (*call).removeV2,
		}, nil
	case len(segments) == 2 && isIdentifier(segments[1].name) && !segments[1].hasKey:
		c.column = segments[1].name
		return resource{http.MethodGet: (*call).listLinkedV2}, nil
	case len(segments) == 3 && segments[1].name == "$links" && isIdentifier(segments[2].name):
		return c.findLinkV2(segments[2])
	}
	return nil, errPath
}

func (c *call) findLinkV2(s segment) (resource, *odataError) {
	c.column = s.name
	if !s.hasKey {
		return resource{http.MethodPost: (*call).associateV2}, nil
	}
	key, ok := v2Key(s.key)
	if !ok {
		return nil, errPath
	}
	c.related = key.id
	return resource{http.MethodDelete: (*call).disassociateV2}, nil
}

// refuseV2 answers with the error object of OData 2.
func (c *call) refuseV2(e *odataError) {
	drain(c.r)
	body, err := marshal(map[string]any{"error": map[string]any{
		"code": e.code, "message": map[string]string{"lang": "en-US", "value": e.message},
	}})
	if err != nil {
		panic(err) // strings
	}
	writeBody(c.w, c.r, e.status, v2Type, body)
}
