package odata

import (
	"mime"
	"strings"
)

// kind is what a body is, as far as links are concerned.
type kind uint8

const (
	kindOther kind = iota // no links, or none that are mapped
	kindJSON
	kindBatch // multipart/mixed
	kindHTTP  // application/http: a part of a batch
)

// kindOf reads a Content-Type. Parameters do not matter, nor does case.
func kindOf(contentType string) kind {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.TrimSpace(media)
	switch {
	case strings.EqualFold(media, "application/json"):
		return kindJSON
	case strings.EqualFold(media, "multipart/mixed"):
		return kindBatch
	case strings.EqualFold(media, "application/http"):
		return kindHTTP
	}
	return kindOther
}

// maxBoundary bounds a boundary. RFC 2046 section 5.1.1 allows 70 bytes.
const maxBoundary = 200

// boundaryOf is the boundary parameter of a multipart's Content-Type, quoted
// or not; empty if it is missing, malformed or too long.
func boundaryOf(contentType string) string {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || len(params["boundary"]) > maxBoundary {
		return ""
	}
	return params["boundary"]
}

// isV4 tells whether JSON of that type is certainly OData v4, which alone has
// the parameter odata.metadata. OData 4.0 JSON Format 3.
func isV4(contentType string) bool {
	return strings.Contains(strings.ToLower(contentType), "odata.metadata=")
}

// organizationFunction is the function whose answer lists the environment's
// own addresses as data.
const organizationFunction = "RetrieveCurrentOrganization("

// asksOrganization tells whether a request with that target is answered by
// RetrieveCurrentOrganization.
func asksOrganization(target string) bool {
	path, _, _ := strings.Cut(target, "?")
	return strings.Contains(path, organizationFunction)
}

// asksReference tells whether a request with that target has an OData v2
// reference as its body: {"uri": "..."}. OData v2 Operations 2.9.
func asksReference(target string) bool {
	path, _, _ := strings.Cut(target, "?")
	return strings.Contains(path, "/$links/")
}
