package forward

import (
	"net/http"
	"slices"
	"strings"
)

// isAffinity says whether a cookie keeps its client on one web server. Azure
// sets two of them, the second for requests from other sites.
func isAffinity(cookie string) bool {
	name, _, _ := strings.Cut(cookie, "=")
	switch strings.Trim(name, " \t") {
	case "ARRAffinity", "ARRAffinitySameSite":
		return true
	}
	return false
}

// dropAffinity takes these cookies out of a request. All others stay as they
// are, byte for byte, and in order.
func dropAffinity(h http.Header) {
	lines := h["Cookie"]
	if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, "ARRAffinity") }) {
		return
	}
	var kept []string
	for _, line := range lines {
		cookies := strings.Split(line, ";")
		others := slices.DeleteFunc(slices.Clone(cookies), isAffinity)
		left := strings.Join(others, ";")
		if isAffinity(cookies[0]) { // whose place the next one takes, without the space before it
			left = strings.TrimLeft(left, " \t")
		}
		if len(others) == len(cookies) || left != "" {
			kept = append(kept, left)
		}
	}
	if kept == nil {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

// dropSetAffinity takes the lines out of an answer that set them.
func dropSetAffinity(h http.Header) {
	if lines := slices.DeleteFunc(h["Set-Cookie"], isAffinity); len(lines) > 0 {
		h["Set-Cookie"] = lines
	} else {
		delete(h, "Set-Cookie")
	}
}
