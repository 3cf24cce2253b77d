package odata

// form is the text that a link stands in. It says how a character may be
// escaped there and what ends the link.
type form uint8

const (
	inText  form = iota // nothing is escaped; the link ends with the text
	inJSON              // `\/` is a slash; the link ends with its quote
	inQuery             // `%2F` is a slash; the link ends with the text
)

// verdict is what can be said of the bytes seen so far.
type verdict uint8

const (
	no   verdict = iota // not the beginning of a link to that origin
	more                // too few bytes to tell
	yes                 // a link to that origin
)

// text is what is searched: bodies come as bytes, headers and targets as strings.
type text interface{ string | []byte }

// spelling is how a link writes the characters of its origin that may be
// escaped, so that the replacement can be written alike: a colon of so many
// bytes at at, and then a slash of so many bytes.
type spelling struct{ at, colon, slash int }

// matchAny is match for several origins.
func matchAny[T text](from []origin, b T, f form) (n int, s spelling, v verdict) {
	for i := range from {
		n, s, w := match(&from[i], b, f)
		if w == yes {
			return n, s, yes
		}
		v = max(v, w)
	}
	return 0, spelling{}, v
}

// match tells whether b begins with the origin o, followed by its own port or
// none, and then by a slash, a question mark, a number sign or the end of the
// link. Anything else belongs to another origin:
// https://contoso.crm.dynamics.com.evil.com, or user information, as in
// https://contoso.crm.dynamics.com@evil.com. n is the length of the origin as
// b spells it, a port included. RFC 3986 section 3.2.
func match[T text](o *origin, b T, f form) (n int, s spelling, v verdict) {
	i, v := fold(o.text, b, 0, f)
	if v != yes {
		return 0, s, v
	}
	if o.port != "" {
		switch j, w := fold(o.port, b, i, f); w {
		case yes:
			i = j
		case more:
			if j > i { // some of a port, which may still become the right one
				return 0, s, more
			}
		}
	}
	if v = ends(b, i, f); v == yes {
		s = spelt(o, b, f)
	}
	return i, s, v
}

// fold compares b from i on with want, which is lower case, and returns where
// the comparison ended: after want if the verdict is yes. Text that is neither
// JSON nor longer than want is no match: nothing more will come.
func fold[T text](want string, b T, i int, f form) (int, verdict) {
	if len(b)-i >= len(want) && string(b[i:i+len(want)]) == want {
		return i + len(want), yes
	}
	for k := range len(want) {
		if i == len(b) {
			return i, short(f)
		}
		c, w := unit(b, i, f)
		if w == 0 {
			return i, more
		}
		if lower(c) != want[k] {
			return i, no
		}
		i += w
	}
	return i, yes
}

// short is the verdict where b is at its end: only a JSON body flows on.
func short(f form) verdict {
	if f == inJSON {
		return more
	}
	return no
}

// ends tells whether an origin may end at i.
func ends[T text](b T, i int, f form) verdict {
	if i == len(b) {
		if f == inJSON {
			return more
		}
		return yes
	}
	switch c, w := unit(b, i, f); {
	case w == 0:
		return more
	case c == '/', c == '?', c == '#', c == '"' && f == inJSON:
		return yes
	}
	return no
}

// unit decodes the character at i and tells how many bytes it takes; none
// means that the next byte must be known first. Of JSON's escapes only the
// slash's is decoded, the one that serializers really put into links.
func unit[T text](b T, i int, f form) (c byte, width int) {
	c = b[i]
	switch {
	case f == inJSON && c == '\\':
		if i+1 == len(b) {
			return 0, 0
		}
		if b[i+1] == '/' {
			return '/', 2
		}
	case f == inQuery && c == '%' && i+2 < len(b):
		if hi, lo := unhex(b[i+1]), unhex(b[i+2]); hi < 16 && lo < 16 {
			return hi<<4 | lo, 3
		}
	}
	return c, 1
}

// spelt is how b, which begins with the origin o, writes its first colon and slash.
func spelt[T text](o *origin, b T, f form) (s spelling) {
	for range len(o.scheme) {
		_, w := unit(b, s.at, f)
		s.at += w
	}
	_, s.colon = unit(b, s.at, f)
	_, s.slash = unit(b, s.at+s.colon, f)
	return s
}

// unhex is the value of a hexadecimal digit, or 16 for any other byte.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// lower folds ASCII letters: scheme and host know no case. RFC 3986 section 6.2.2.1.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
