package guard

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// impersonationRefused is the refusal of a request for the reason why.
func impersonationRefused(why string) Refusal {
	return Refusal{
		http.StatusForbidden, "impersonation_refused", why +
			" This proxy lets nobody act as another user (guard.impersonation: deny): leave the caller's id out, or ask whoever runs the proxy.",
	}
}

// isCaller says whether a header's bare name is that of the user to act as:
// MSCRMCallerID and CallerObjectId of the Web API, and what an envelope of
// SOAP calls CallerId and CallerRegardingObjectId, in case a gateway takes it
// for a header.
func isCaller(bare string) bool {
	return strings.Contains(bare, "caller") && strings.HasSuffix(bare, "id")
}

// callerIn names a header that is a caller's id.
func callerIn(h http.Header) (name string, found bool) {
	for name := range h {
		if isCaller(bare(name)) {
			return name, true
		}
	}
	return "", false
}

// inspect says why a request may name the user to act as, as far as its header
// tells. If that does not, and its body may, it returns the body as one that
// is looked through while it is read.
func inspect(r *http.Request, path string) (b *body, why string) {
	for _, h := range []http.Header{r.Header, r.Trailer} {
		if name, found := callerIn(h); found {
			return nil, fmt.Sprintf("The header %s names the user to act as.", clipped(name))
		}
	}
	if r.ContentLength == 0 {
		return nil, ""
	}
	search, why := searchFor(r.Header, path)
	if why != "" {
		return nil, "The body may name the user to act as, and cannot be searched: " + why
	}
	if search == nil && r.Trailer == nil {
		return nil, ""
	}
	return &body{ReadCloser: r.Body, request: r, search: search}, ""
}

// A search looks for a caller's id in bytes that flow by. What it returns is why
// the body is refused; once it has, it is not asked again.
type search interface {
	look(p []byte) (why string)
	end() (why string)
}

// searchFor is the search that fits a body, nil if there is none that could name
// a caller. A body that could, and cannot be read for sure, is refused.
func searchFor(h http.Header, path string) (s search, why string) {
	batch := isBatch(path)
	_, action := h["Soapaction"]
	soap := isSOAP(path) || action
	types := h["Content-Type"]
	for _, t := range types {
		media, _, _ := strings.Cut(strings.ToLower(t), ";")
		media = strings.TrimSpace(media)
		switch {
		case media == "multipart/mixed":
			batch = true
		case strings.Contains(media, "multipart/") && media != "multipart/form-data":
			return nil, "of the multipart types only multipart/mixed can be."
		case strings.Contains(media, "xml"), strings.Contains(media, "soap"):
			soap = true
		}
	}
	switch {
	case !batch && !soap:
		return nil, ""
	case len(types) != 1:
		return nil, "it needs one Content-Type."
	case batch && soap:
		return nil, "it is a batch by its target or Content-Type, and SOAP too."
	case !isText(types[0], "charset"):
		return nil, "the charset of its Content-Type is not one that begins with ASCII. Use UTF-8."
	case slices.ContainsFunc(h["Content-Encoding"], func(e string) bool { return !isIdentity(e) }):
		return nil, "it has a Content-Encoding. Send it as it is."
	}
	media, _, _ := strings.Cut(strings.ToLower(types[0]), ";")
	switch {
	case batch && strings.TrimSpace(media) != "multipart/mixed":
		return nil, "a batch has the Content-Type multipart/mixed."
	case batch:
		return newLines(), ""
	case !strings.Contains(media, "xml"):
		return nil, "SOAP has the Content-Type text/xml or application/soap+xml."
	}
	return &tags{}, ""
}
