package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// rowKey names a record: by its GUID, or by the columns of an alternate key.
type rowKey struct {
	id    string // lower case
	pairs []attribute
}

// readKey reads what stands between the parentheses; ok is false if it is
// neither a GUID nor a list of name=value.
func readKey(set, text string) (k rowKey, ok bool) {
	if isGUID(text) {
		return rowKey{id: strings.ToLower(text)}, true
	}
	for _, part := range splitList(text) {
		name, literal, found := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		value, valid := readLiteral(strings.TrimSpace(literal))
		if !found || !isIdentifier(name) || !valid {
			return rowKey{}, false
		}
		if id := strings.Trim(string(value), `"`); name == primaryKey(set) && isGUID(id) {
			k.id = strings.ToLower(id)
			continue
		}
		k.pairs = append(k.pairs, attribute{name: name, value: value})
	}
	return k, k.id != "" || k.pairs != nil
}

// splitList cuts at the commas that are not inside quotes.
func splitList(s string) []string { return split(s, ',', '\'') }

// splitUnquoted cuts at the separators that are not inside double quotes.
func splitUnquoted(s string, separator byte) []string { return split(s, separator, '"') }

func split(s string, separator, quote byte) []string {
	var parts []string
	quoted, start := false, 0
	for i := range len(s) {
		switch {
		case s[i] == quote:
			quoted = !quoted
		case s[i] == separator && !quoted:
			parts = append(parts, s[start:i])
			start = i + 1
		}
	}
	return append(parts, s[start:])
}

func (k rowKey) matches(r *row) bool {
	for _, pair := range k.pairs {
		if !bytes.Equal(r.get(pair.name), pair.value) {
			return false
		}
	}
	return len(k.pairs) > 0
}

// readLiteral reads a literal of OData's URL grammar and gives its JSON: text
// in single quotes with two of them for one, a GUID, a number, true, false or null.
func readLiteral(s string) (json.RawMessage, bool) {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		text, err := marshal(strings.ReplaceAll(s[1:len(s)-1], "''", "'"))
		return text, err == nil
	}
	if isGUID(s) {
		return json.RawMessage(`"` + strings.ToLower(s) + `"`), true
	}
	if json.Valid([]byte(s)) && !strings.ContainsAny(s, "\"{[ \t\r\n") {
		return json.RawMessage(s), true
	}
	return nil, false
}

func isIdentifier(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		letter := 'a' <= c && c <= 'z' || s[i] == '_'
		if !letter && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return s != ""
}

// condition is what If-Match and If-None-Match demand.
type condition struct {
	ifMatch     string // an ETag or *
	ifNoneMatch string // an ETag or *
}

// readCondition reads both headers. The word null is no ETag; Microsoft's
// samples send it with every request and Dataverse takes no notice.
func readCondition(r *http.Request) condition {
	c := condition{r.Header.Get("If-Match"), r.Header.Get("If-None-Match")}
	if c.ifNoneMatch == "null" {
		c.ifNoneMatch = ""
	}
	return c
}

// check tells why a write to a record is refused. Old is nil where there is
// none yet.
func (c condition) check(set string, k rowKey, old *row) *odataError {
	switch {
	case old == nil && c.ifMatch != "":
		return notFound(set, k)
	case old != nil && c.ifNoneMatch == "*":
		return errKeyExists
	case old != nil && c.ifMatch != "" && c.ifMatch != "*" && c.ifMatch != old.etag():
		return errVersion
	}
	return nil
}

// unchanged tells whether a reader has this version already.
func (c condition) unchanged(r *row) bool {
	return c.ifNoneMatch == "*" || c.ifNoneMatch == r.etag()
}
