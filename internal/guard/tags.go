package guard

import (
	"bytes"
	"strings"
)

const (
	mostTag         = 32  // bytes of a local name
	mostDeclaration = 512 // bytes of an XML declaration
)

// tags looks for the element of a SOAP envelope that names the user to act as,
// CallerId or CallerRegardingObjectId of any namespace and prefix. Whatever follows
// a < is taken for a tag, in a comment or CDATA too: following those as the
// service does is not worth a mistake. Text of the records is not concerned, as it
// has &lt; there.
//
// A DTD is refused, since its entities may hold elements (SOAP 1.1 section 3 allows
// none), and so is what is not text with ASCII in it.
type tags struct {
	begun bool   // the first < has come
	open  bool   // a tag's name is being read
	first bool   // and it is the first tag's
	name  []byte // of it, after the last colon; one byte more than mostTag: too long

	declaring   bool   // the XML declaration is being read
	declaration []byte // so far
}

// look implements [search].
func (t *tags) look(p []byte) (why string) {
	for i := 0; i < len(p) && why == ""; i++ {
		c := p[i]
		switch {
		case c == 0:
			return "The SOAP envelope is not in UTF-8, and cannot be searched."
		case !t.begun:
			why = t.begin(c)
		case t.declaring:
			why = t.declare(c)
		case t.open:
			why = t.take(c)
		case c == '<':
			t.open, t.name = true, t.name[:0]
		default:
			if rest := bytes.IndexAny(p[i+1:], "<\x00"); rest >= 0 {
				i += rest
			} else {
				i = len(p)
			}
		}
	}
	return why
}

// end implements [search].
func (t *tags) end() (why string) { return "" }

// begin takes what stands before the first tag: white space, and a byte order
// mark of UTF-8.
func (t *tags) begin(c byte) (why string) {
	switch c {
	case ' ', '\t', '\r', '\n', 0xef, 0xbb, 0xbf:
	case '<':
		t.begun, t.open, t.first = true, true, true
	default:
		return "The SOAP envelope does not begin like XML in UTF-8, and cannot be searched."
	}
	return ""
}

// take takes a byte of a tag's name, or the one after it.
func (t *tags) take(c byte) (why string) {
	switch c {
	case ' ', '\t', '\r', '\n', '/', '>', '<':
		t.open = c == '<'
		why = t.judge()
		t.first, t.name = false, t.name[:0]
		if t.declaring && t.open {
			why = t.declare(c)
		}
	case ':':
		t.name = t.name[:0]
	default:
		if len(t.name) <= mostTag {
			t.name = append(t.name, c)
		}
	}
	return why
}

func (t *tags) judge() (why string) {
	name := strings.ToLower(string(t.name))
	switch {
	case len(name) > mostTag:
	case strings.HasPrefix(name, "caller") && strings.HasSuffix(name, "id"):
		return "The SOAP envelope names the user to act as."
	case strings.HasPrefix(name, "!doctype"), strings.HasPrefix(name, "!entity"):
		return "The SOAP envelope has a DTD, and cannot be searched."
	case name == "?xml" && t.first:
		t.declaring = true
	}
	return ""
}

// declare takes a byte of the XML declaration.
func (t *tags) declare(c byte) (why string) {
	t.declaration = append(t.declaration, c)
	switch {
	case c == '>' && isText(string(t.declaration), "encoding"):
		t.declaring = false
		return ""
	case c != '>' && c != '<' && len(t.declaration) <= mostDeclaration:
		return ""
	}
	return "The SOAP envelope declares an encoding that does not begin with ASCII, and cannot be searched. Use UTF-8."
}
