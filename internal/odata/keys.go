package odata

import "bytes"

// role says what a JSON value is for: whether it is a link, or what the
// members of the object or the elements of the array that it is may be.
type role uint8

const (
	plain     role = iota // record data, or what surrounds it
	link                  // a string that is a link
	links                 // such a string, or an array of them
	top                   // the whole document
	resource              // OData v2: __metadata and its kin
	detail                // RetrieveCurrentOrganization: Detail,
	endpoints             // its Endpoints, an array of objects or two parallel arrays,
	endpoint              // and one of them
)

// maxAnnotation is the length of the longest name that annotation knows.
const maxAnnotation = len("@odata.associationLink")

// annotation is the role that a key gives its value by what it ends in. Record
// data has no such keys, as the name of a column holds no at sign. The bytes
// are compared as they are: a key that spells one of its characters with an
// escape is not known. OData 4.0 JSON Format 4.5.
func annotation(key []byte) role {
	if len(key) == 0 {
		return plain
	}
	switch key[len(key)-1] { // most keys are done with here
	case 't', 'k', 'd':
	default:
		return plain
	}
	i := bytes.LastIndexByte(key[max(0, len(key)-maxAnnotation):], '@')
	if i < 0 {
		return plain
	}
	switch string(key[max(0, len(key)-maxAnnotation)+i:]) {
	case "@odata.context", "@odata.id",
		"@odata.nextLink", "@odata.deltaLink",
		"@odata.editLink", "@odata.readLink",
		"@odata.associationLink", "@odata.navigationLink",
		"@odata.mediaReadLink", "@odata.mediaEditLink":
		return link
	case "@odata.bind":
		return links
	}
	return plain
}

// grammar tells which values of a document are links, beyond what annotations say.
type grammar struct {
	bind         bool // a request: @odata.bind
	monitor      bool // a 202 answer: the location of the status monitor
	organization bool // the answer of RetrieveCurrentOrganization
	reference    bool // an OData v2 request for $links: its uri
}

// member is the role of an object's member; parent is the object's own.
func (g *grammar) member(parent role, key []byte) role {
	switch r := annotation(key); {
	case r == link, r == links && g.bind:
		return r
	}
	if len(key) > 1 && key[0] == '_' && key[1] == '_' {
		switch string(key) {
		case "__next":
			return link
		case "__metadata", "__deferred", "__mediaresource":
			return resource
		}
	}
	switch parent {
	case resource:
		switch string(key) {
		case "uri", "media_src", "edit_media":
			return link
		}
	case top:
		switch {
		case g.monitor && string(key) == "location":
			return link
		case g.organization && string(key) == "Detail":
			return detail
		case g.reference && string(key) == "uri":
			return link
		}
	case detail:
		if string(key) == "Endpoints" {
			return endpoints
		}
	case endpoints:
		if string(key) == "Values" {
			return links
		}
	case endpoint:
		if string(key) == "value" {
			return link
		}
	}
	return plain
}

// element is the role of an array's elements; parent is the array's own.
func element(parent role) role {
	switch parent {
	case links:
		return link
	case endpoints:
		return endpoint
	}
	return plain
}
