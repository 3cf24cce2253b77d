package guard

import (
	"fmt"
	"net/http"
	"strings"
)

// refusesWrite says why a request may do more than read. Path is its plain one.
func refusesWrite(r *http.Request, path string) (Refusal, bool) {
	refused := func(what string) (Refusal, bool) {
		return Refusal{http.StatusForbidden, "read_only", what +
			" This proxy is set to pass on reads only (guard.read_only): send GET, HEAD or OPTIONS, without a body, one request at a time, or ask whoever runs the proxy."}, true
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		return refused(fmt.Sprintf("The method %s may write.", r.Method))
	}
	if isBatch(path) {
		return refused("A batch may write.")
	}
	for _, h := range []http.Header{r.Header, r.Trailer} {
		for name := range h {
			if isOverride(name) {
				return refused(fmt.Sprintf("The header %s names another method.", clipped(name)))
			}
		}
	}
	if r.ContentLength != 0 {
		return refused("The request has a body.")
	}
	return Refusal{}, false
}

// isOverride says whether a header may stand for the method: X-HTTP-Method (OData
// v2 Protocol 2.2.5.8), X-HTTP-Method-Override, X-Method-Override and the like. The
// one exception is CORS's, which asks and does nothing.
func isOverride(name string) bool {
	name = bare(name)
	return strings.Contains(name, "method") && name != "accesscontrolrequestmethod"
}

// bare is a header's name in lower case with its letters and digits only:
// servers that hand headers on as variables make X_HTTP_Method the same as
// X-HTTP-Method (RFC 3875 4.1.18).
func bare(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c, ok := letter(name[i]); ok {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// letter is an ASCII letter in lower case, or a digit.
func letter(c byte) (byte, bool) {
	switch {
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A', true
	case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		return c, true
	}
	return c, false
}
