package odata

import "strings"

// Header maps a response header's value and leaves all but Location,
// Content-Location and OData-EntityId as they are. The name may be written in
// any case. RFC 9110 10.2.2 and 8.7; OData 4.0 Protocol 8.3.4.
func (v *View) Header(name, value string) string {
	if v == nil || !linkHeader(name) {
		return value
	}
	n, _, w := matchAny(v.answers.from, value, inText)
	if w != yes {
		return value
	}
	v.answers.count.Add(1)
	return v.answers.to.text + value[n:]
}

// linkHeader tells whether a response header of that name holds a link.
func linkHeader(name string) bool {
	switch len(name) {
	case len("Location"):
		return strings.EqualFold(name, "Location")
	case len("OData-EntityId"):
		return strings.EqualFold(name, "OData-EntityId")
	case len("Content-Location"):
		return strings.EqualFold(name, "Content-Location")
	}
	return false
}
