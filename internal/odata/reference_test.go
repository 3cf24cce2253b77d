package odata

import (
	"bytes"
	stdjson "encoding/json"
	"regexp"
	"strings"
)

// A slow, straightforward mapping of whole JSON texts, to check the streaming
// one against: encoding/json reads the tokens, the path to each string says
// whether it is a link, and a regular expression whether it is one of ours.

// reference is what refMap must know of a message.
type reference struct {
	from    *regexp.Regexp
	to      string
	isLink  func(path []string) bool
	context func() // called when the context is that of RetrieveCurrentOrganization
}

// refOrigins is the expression for JSON links to any of the origins.
func refOrigins(from []origin) *regexp.Regexp {
	var all []string
	for _, o := range from {
		e := regexp.QuoteMeta(o.text)
		e = strings.ReplaceAll(e, "/", `\\?/`)
		if o.port != "" {
			e += "(?:" + o.port + ")?"
		}
		all = append(all, e)
	}
	return regexp.MustCompile(`^(?i:` + strings.Join(all, "|") + `)(?:\\?/|[?#]|$)`)
}

// elementKey stands for an array's element in a path. No key can hold it.
const elementKey = "\x00"

// refMap maps a valid JSON text.
func refMap(in []byte, r reference) []byte {
	var (
		out  bytes.Buffer
		path []string // raw keys, and element where there is none
		keys []bool   // for each open level: an object, whose next token is a key
		end  int
	)
	dec := stdjson.NewDecoder(bytes.NewReader(in))
	dec.UseNumber()
	value := func() { // a value has ended
		if n := len(keys); n > 0 && path[n-1] != elementKey {
			keys[n-1] = true
		}
	}
	for {
		tok, err := dec.Token()
		if err != nil {
			out.Write(in[end:])
			return out.Bytes()
		}
		from := end
		end = int(dec.InputOffset())
		switch tok := tok.(type) {
		case stdjson.Delim:
			switch tok {
			case '{':
				keys, path = append(keys, true), append(path, "")
			case '[':
				keys, path = append(keys, false), append(path, elementKey)
			default:
				keys, path = keys[:len(keys)-1], path[:len(path)-1]
				value()
			}
		case string:
			begin := from + bytes.IndexByte(in[from:end], '"') + 1
			raw := string(in[begin : end-1])
			if n := len(keys); n > 0 && keys[n-1] {
				keys[n-1], path[n-1] = false, raw
				break
			}
			if len(path) == 1 && path[0] == "@odata.context" && strings.HasSuffix(raw, organizationContext) {
				r.context()
			}
			if m := r.from.FindString(raw); m != "" && r.isLink(path) {
				m = strings.TrimRight(m, `\/?#`)
				to := r.to
				if strings.Contains(m, `:\/`) {
					to = strings.ReplaceAll(to, "/", `\/`)
				}
				out.Write(in[from:begin])
				out.WriteString(to)
				from = begin + len(m)
			}
			value()
		default:
			value()
		}
		out.Write(in[from:end])
	}
}

var refAnnotations = regexp.MustCompile(`@odata\.(context|id|nextLink|deltaLink|editLink|readLink|associationLink|navigationLink|mediaReadLink|mediaEditLink)$`)

// refIsLink states the link positions of a document by the path to a value.
func refIsLink(path []string, g *grammar, v2 bool) bool {
	n := len(path)
	if n == 0 {
		return false
	}
	key := path[n-1]
	parent := ""
	if n > 1 {
		parent = path[n-2]
	}
	full := strings.Join(path, "\n")
	switch {
	case refAnnotations.MatchString(key):
		return true
	case g.bind && (strings.HasSuffix(key, "@odata.bind") || key == elementKey && strings.HasSuffix(parent, "@odata.bind")):
		return true
	case v2 && key == "__next":
		return true
	case v2 && (parent == "__metadata" || parent == "__deferred" || parent == "__mediaresource"):
		return key == "uri" || key == "media_src" || key == "edit_media"
	case g.monitor && full == "location", g.reference && full == "uri":
		return true
	case g.organization:
		return full == "Detail\nEndpoints\n"+elementKey+"\nvalue" || full == "Detail\nEndpoints\nValues\n"+elementKey || full == "Detail\nEndpoints\nValues"
	}
	return false
}
