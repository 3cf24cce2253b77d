package simulator

import (
	"strings"
)

// target is a request target of the Web API, read from the bytes on the wire:
// net/url would lose a query option with a semicolon or a bare percent sign.
type target struct {
	path     string // as it came, without the query
	query    string // as it came, without the question mark
	version  string // "v9.2"
	segments []segment
}

// segment is one step of a path, decoded: accounts, accounts(key), $value.
type segment struct {
	name   string
	key    string
	hasKey bool
}

const apiPrefix = "/api/data/"

// readTarget takes a request target apart; ok is false outside of the Web API.
func readTarget(requestURI string) (tg target, ok bool) {
	if origin := originOf(requestURI); origin != "" { // absolute form
		_, rest, _ := strings.Cut(requestURI, "://")
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			requestURI = rest[i:]
		}
	}
	tg.path, tg.query, _ = strings.Cut(requestURI, "?")
	if len(tg.path) < len(apiPrefix) || !strings.EqualFold(tg.path[:len(apiPrefix)], apiPrefix) {
		return tg, false
	}
	version, rest, _ := strings.Cut(tg.path[len(apiPrefix):], "/")
	if len(version) < 2 || version[0] != 'v' {
		return tg, false
	}
	tg.version = version
	for _, raw := range splitPath(rest) {
		tg.segments = append(tg.segments, readSegment(unescape(raw, false)))
	}
	return tg, true
}

// splitPath cuts at the slashes that are not inside quotes. A trailing slash
// makes no segment.
func splitPath(raw string) []string {
	var parts []string
	quoted, start := false, 0
	for i := range len(raw) {
		switch {
		case raw[i] == '\'' || strings.HasPrefix(raw[i:], "%27"):
			quoted = !quoted
		case raw[i] == '/' && !quoted:
			parts = append(parts, raw[start:i])
			start = i + 1
		}
	}
	if start < len(raw) {
		parts = append(parts, raw[start:])
	}
	return parts
}

func readSegment(s string) segment {
	if open := strings.IndexByte(s, '('); open > 0 && strings.HasSuffix(s, ")") {
		return segment{name: s[:open], key: s[open+1 : len(s)-1], hasKey: true}
	}
	return segment{name: s}
}

// option is the value of a query option, decoded; ok is false where it is not
// given. Its name may be written with %24 for the dollar sign.
func (tg target) option(name string) (value string, ok bool) {
	for part := range strings.SplitSeq(tg.query, "&") {
		key, raw, _ := strings.Cut(part, "=")
		if unescape(key, true) == name {
			return unescape(raw, true), true
		}
	}
	return "", false
}

// queryWithout is the query as it came, less one option.
func (tg target) queryWithout(name string) string {
	var kept []string
	for part := range strings.SplitSeq(tg.query, "&") {
		key, _, _ := strings.Cut(part, "=")
		if part != "" && unescape(key, true) != name {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, "&")
}

// unescape decodes percent escapes and leaves what is none as it is. In a
// query a plus sign is a space.
func unescape(s string, inQuery bool) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteByte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		case s[i] == '+' && inQuery:
			b.WriteByte(' ')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}
