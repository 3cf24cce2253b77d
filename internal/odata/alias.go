package odata

import "strings"

// alias maps the @odata.id links in a parameter alias's value, which is JSON,
// though Dataverse's own documentation writes it with single quotes too:
// @tid={'@odata.id':'https://contoso.crm.dynamics.com/api/data/v9.2/accounts(...)'}.
// Strings that merely contain such text are left alone.
func (s *swap) alias(value string) (string, int) {
	var (
		out    strings.Builder
		done   int  // value[:done] has been written
		isLink bool // a link key has been read, and nothing since but a colon
		colon  bool
		mapped int
	)
	for at := 0; at < len(value); {
		c, w := unit(value, at, inQuery)
		switch c {
		case '"', '\'':
			begin := at + w
			end, next := closing(value, begin, c)
			if isLink && colon {
				if n, sp, v := matchAny(s.from, value[begin:end], inQuery); v == yes {
					out.WriteString(value[done:begin])
					out.WriteString(s.query(value[begin:], sp))
					done = begin + n
					mapped++
				}
			}
			isLink = !colon && linkName(value[begin:end])
			colon = false
			at = next
			continue
		case ':':
			colon = true
		case ' ', '+', '\t':
		default:
			isLink, colon = false, false
		}
		at += w
	}
	if mapped == 0 {
		return value, 0
	}
	out.WriteString(value[done:])
	return out.String(), mapped
}

// closing finds the end of the string that begins at i, and what follows its
// quote. A backslash escapes the character after it, and a single quote is
// doubled to stand for itself. Without a closing quote both are the end of s.
func closing(s string, i int, quote byte) (end, next int) {
	for i < len(s) {
		c, w := unit(s, i, inQuery)
		switch {
		case c == '\\' && i+w < len(s):
			_, skip := unit(s, i+w, inQuery)
			i += skip
		case c == quote:
			next = i + w
			if quote != '\'' || next == len(s) {
				return i, next
			}
			c, skip := unit(s, next, inQuery)
			if c != quote {
				return i, next
			}
			i += skip
		}
		i += w
	}
	return len(s), len(s)
}

// linkName tells whether a key, percent-encoded or not, is or ends in @odata.id.
func linkName(key string) bool {
	const name = "@odata.id"
	k := len(name)
	// From the end, since only that counts; an encoded byte ends in two digits.
	for i := len(key); i > 0 && k > 0; k-- {
		c, w := key[i-1], 1
		if i >= 3 && key[i-3] == '%' {
			c, w = unit(key, i-3, inQuery)
			if w != 3 {
				return false
			}
		}
		if c != name[k-1] {
			return false
		}
		i -= w
	}
	return k == 0
}
