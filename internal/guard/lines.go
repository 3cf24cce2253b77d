package guard

import (
	"bytes"
	"fmt"
	"strings"
)

// Bounds of a header inside a batch. Other names are no concern of ours.
const (
	mostName  = 64   // letters and digits of a name
	mostValue = 4096 // bytes of a value that is looked into
)

// lines looks for the headers of a batch: the lines of a multipart body that
// begin like one. It does not follow the multipart's structure, as whoever
// reads it upstream may follow it otherwise: what is a boundary, where a
// header ends, whether there are parts in parts or after the end. So it also takes
// a line of content for a header if it looks like one. In JSON none does: a name
// has quotes, and a line break inside a value is escaped.
//
// Lines end in CRLF, LF or CR. Space, controls and bytes beyond ASCII around a
// name do not matter, since .NET trims more than HTTP allows.
type lines struct {
	inName bool
	name   []byte // letters and digits of the line so far, while inName
	gap    bool   // space has come after them
	blank  bool   // nothing is on this line yet
	cr     bool   // the last byte was a CR

	judge func(value string) (why string) // of the header that is being looked into; nil: none
	value []byte                          // of it, its continuations included
}

func newLines() *lines { return &lines{inName: true, blank: true} }

// look implements [search].
func (l *lines) look(p []byte) (why string) {
	for i := 0; i < len(p) && why == ""; i++ {
		c := p[i]
		switch {
		case c == '\n' && l.cr: // the line has ended
			l.cr = false
		case c == '\r' || c == '\n':
			l.cr = c == '\r'
			why = l.endLine()
		default:
			l.cr = false
			why = l.take(c)
			if !l.inName && l.judge == nil {
				if rest := bytes.IndexAny(p[i+1:], "\r\n"); rest >= 0 {
					i += rest
				} else {
					i = len(p)
				}
			}
		}
	}
	return why
}

// end implements [search].
func (l *lines) end() (why string) {
	if why = l.endLine(); why == "" {
		why = l.endValue()
	}
	return why
}

// endLine notes the end of a line. A caller's name that stands there alone
// may have its colon on the next.
func (l *lines) endLine() (why string) {
	if l.inName && isCaller(string(l.name)) {
		return callerInBatch()
	}
	if l.blank {
		why = l.endValue()
	}
	l.inName, l.name, l.gap, l.blank = true, l.name[:0], false, true
	return why
}

// take takes a byte within a line.
func (l *lines) take(c byte) (why string) {
	if l.judge != nil {
		if l.blank && c != ' ' && c != '\t' { // no continuation
			why = l.endValue()
		} else if l.value = append(l.value, c); len(l.value) > mostValue {
			return fmt.Sprintf("The batch has a header of more than %d bytes that cannot be searched.", mostValue)
		}
	}
	l.blank = false
	if why != "" || !l.inName {
		return why
	}
	letter, ok := letter(c)
	switch {
	case ok && len(l.name) < mostName && !l.gap:
		l.name = append(l.name, letter)
	case c == ':':
		l.inName = false
		return l.beginValue()
	case c == '-', c == '_', c == '.', c == 0: // a NUL is half a character of UTF-16
	case c <= ' ', c >= 0x7f:
		l.gap = len(l.name) > 0
	default:
		l.inName = false
	}
	return ""
}

// beginValue notes the colon after a name.
func (l *lines) beginValue() (why string) {
	if isCaller(string(l.name)) {
		return callerInBatch()
	}
	var judge func(string) string
	switch string(l.name) {
	case "contenttransferencoding":
		judge = transferEncoding
	case "contentencoding":
		judge = contentEncoding
	case "contenttype":
		judge = contentType
	default:
		return ""
	}
	why = l.endValue() // this was a line of another's continuation
	l.judge = judge
	return why
}

// endValue notes that a value that is looked into is complete.
func (l *lines) endValue() (why string) {
	if l.judge == nil {
		return ""
	}
	why = l.judge(strings.TrimSpace(string(l.value)))
	l.judge, l.value = nil, l.value[:0]
	return why
}

func callerInBatch() string {
	return "A header inside the batch names the user to act as."
}

func transferEncoding(value string) (why string) {
	switch strings.ToLower(value) {
	case "binary", "7bit", "8bit":
		return ""
	}
	return "A part of the batch has a Content-Transfer-Encoding that cannot be searched. Use binary."
}

func contentEncoding(value string) (why string) {
	if isIdentity(value) {
		return ""
	}
	return "A part of the batch has a Content-Encoding and cannot be searched. Send it as it is."
}

func contentType(value string) (why string) {
	if isText(value, "charset") {
		return ""
	}
	return "A part of the batch has a charset that does not begin with ASCII, and cannot be searched. Use UTF-8."
}
