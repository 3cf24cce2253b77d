package localtoken

import (
	"net/http"
	"strings"
)

const lettersAndDigits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// requestOrigin is the origin that a client used, by its request. A guard has
// looked at Host before; here it only must not break out of a header or a URL.
func requestOrigin(r *http.Request) string {
	host := r.Host
	if host == "" || !consists(host, lettersAndDigits+"-._:[]") {
		host = "localhost"
	}
	if r.TLS != nil {
		return "https://" + host
	}
	return "http://" + host
}

// tenantOf is the first segment of a request's path.
func tenantOf(r *http.Request) string {
	tenant, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return tenant
}

// isTenant says whether s can be a tenant's id or domain, or one of Entra's
// names such as common.
func isTenant(s string) bool {
	const longest = 253 // of a domain, RFC 1035 2.3.4
	return s != "" && len(s) <= longest && s[0] != '.' && consists(s, lettersAndDigits+"-._")
}

func consists(s, of string) bool {
	return strings.Trim(s, of) == "" // Trim stops at whatever is not in of
}
