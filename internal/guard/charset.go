package guard

import "strings"

// isText says whether a text (a Content-Type, an XML declaration) names nothing
// after key, as in charset=utf-8 or encoding="utf-8", but character sets in which
// the bytes of ASCII mean ASCII. It may name none.
func isText(text, key string) bool {
	text = strings.ToLower(text)
	for {
		_, rest, found := strings.Cut(text, key)
		if !found {
			return true
		}
		text = rest
		value, ok := strings.CutPrefix(strings.TrimLeft(rest, " \t\r\n"), "=")
		if !ok { // charset*=, or a longer word
			return false
		}
		value = strings.TrimLeft(value, " \t\r\n")
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			end := strings.IndexByte(value[1:], value[0])
			if end < 0 {
				return false
			}
			value = value[1 : 1+end]
		} else if end := strings.IndexAny(value, "; \t\r\n"); end >= 0 {
			value = value[:end]
		}
		if !hasASCII(value) {
			return false
		}
	}
}

// hasASCII says whether a character set, in lower case, is known to have ASCII
// as its lower half. Not one with shifts, such as UTF-7, or EBCDIC: the batch
// reader of Microsoft's OData library takes any of one byte a character.
func hasASCII(charset string) bool {
	switch charset {
	case "utf-8", "utf8", "us-ascii", "ascii", "latin1":
		return true
	}
	return strings.HasPrefix(charset, "iso-8859-") || strings.HasPrefix(charset, "windows-125")
}

// isIdentity says whether a Content-Encoding leaves the bytes as they are.
func isIdentity(encoding string) bool {
	encoding = strings.TrimSpace(encoding)
	return encoding == "" || strings.EqualFold(encoding, "identity")
}
