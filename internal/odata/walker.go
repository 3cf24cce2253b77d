package odata

import "bytes"

// maxDepth is how deeply objects and arrays may be nested for a walker to know
// its way; what is deeper is left alone. Dataverse itself stops at 100.
const maxDepth = 256

// maxKey is how much a walker keeps of a string that is cut by the end of a
// chunk: the end of a key, or of a context URL.
const maxKey = 64

// organizationContext is how the context of RetrieveCurrentOrganization's answer ends.
const organizationContext = "#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse"

// walker is the finder for documents in which it matters what surrounds a
// value: it reads all of the JSON and keeps the path to where it is, without
// recursion and in constant memory. Malformed JSON makes it find fewer links or
// others, but nothing else.
type walker struct {
	grammar grammar

	path  [maxDepth]frame
	depth int // how many levels are open, which may be more than path has

	value   role // of the value that comes next
	context bool // that value is the document's own @odata.context
	isKey   bool // the next string is a key
	inside  inside
	escape  bool // inside a string: the next byte is escaped

	key    [maxKey]byte // the end of the string, as far as earlier chunks hold it
	keyLen int
}

// frame is an open object or array.
type frame struct {
	role  role
	array bool
}

// inside is the string that the walker is in.
type inside uint8

const (
	noString inside = iota
	keyString
	valueString
	contextString // the value of the document's own @odata.context
)

// reset makes the walker ready for a new document.
func (w *walker) reset(g grammar) {
	w.grammar = g
	w.depth = 0
	w.value = top
	w.context = false
	w.isKey = false
	w.inside = noString
	w.escape = false
	w.keyLen = 0
}

func (w *walker) next(chunk []byte, from int) int {
	for i := from; i < len(chunk); {
		if w.inside != noString {
			end, closed := w.closing(chunk, i)
			if !closed {
				w.keep(chunk[i:])
				return -1
			}
			w.close(chunk[i:end])
			i = end + 1
			continue
		}
		c := chunk[i]
		i++
		switch c {
		case '"':
			if w.opens() {
				return i
			}
		case ':':
			w.isKey = false
		case ',':
			w.comma()
		case '{', '[':
			w.push(c == '[')
		case '}', ']':
			w.pop()
		}
	}
	return -1
}

func (w *walker) leave([]byte, int) {}

// pass is called with the beginning of a value, which has no quote in it.
func (w *walker) pass(b []byte) { w.next(b, 0) }

// opens notes that a string begins and tells whether it is in link position.
func (w *walker) opens() bool {
	w.keyLen = 0
	switch {
	case w.depth > maxDepth:
		w.inside = valueString
		return false
	case w.isKey:
		w.inside = keyString
		return false
	case w.context:
		w.inside = contextString
	default:
		w.inside = valueString
	}
	return w.value == link || w.value == links
}

// closing finds the quote that ends the string which goes on at from. Without
// one, it notes whether the next byte is escaped.
func (w *walker) closing(chunk []byte, from int) (end int, closed bool) {
	for i := from; ; {
		quote := bytes.IndexByte(chunk[i:], '"')
		end = i + quote
		if quote < 0 {
			end = len(chunk)
		}
		slash := end
		for slash > i && chunk[slash-1] == '\\' {
			slash--
		}
		odd := (end-slash)%2 == 1
		if slash == i && w.escape {
			odd = !odd
		}
		if quote < 0 {
			w.escape = odd
			return end, false
		}
		w.escape = false
		if !odd {
			return end, true
		}
		i = end + 1
	}
}

// keep keeps the end of a string that the chunk's end has cut.
func (w *walker) keep(b []byte) {
	if w.inside == valueString {
		return
	}
	b = b[max(0, len(b)-maxKey):]
	if over := w.keyLen + len(b) - maxKey; over > 0 {
		copy(w.key[:], w.key[over:w.keyLen])
		w.keyLen -= over
	}
	w.keyLen += copy(w.key[w.keyLen:], b)
}

// close notes that the string has ended; b is what the chunk holds of it.
func (w *walker) close(b []byte) {
	was := w.inside
	w.inside = noString
	if was == valueString {
		w.value = plain
		return
	}
	if w.keyLen > 0 {
		w.inside = was
		w.keep(b)
		w.inside = noString
		b = w.key[:w.keyLen]
	}
	if was == contextString {
		w.value, w.context = plain, false
		if bytes.HasSuffix(b, []byte(organizationContext)) {
			w.grammar.organization = true
		}
		return
	}
	parent := w.path[w.depth-1].role
	w.value = w.grammar.member(parent, b)
	w.context = parent == top && !w.grammar.bind && string(b) == "@odata.context"
}

// comma notes that the next member or element follows.
func (w *walker) comma() {
	if w.depth == 0 || w.depth > maxDepth {
		return
	}
	f := w.path[w.depth-1]
	w.isKey = !f.array
	w.context = false
	w.value = plain
	if f.array {
		w.value = element(f.role)
	}
}

// push notes that an object or an array begins.
func (w *walker) push(array bool) {
	w.depth++
	if w.depth > maxDepth {
		return
	}
	f := frame{role: w.value, array: array}
	w.path[w.depth-1] = f
	w.isKey = !array
	w.context = false
	w.value = plain
	if array {
		w.value = element(f.role)
	}
}

// pop notes that an object or an array has ended.
func (w *walker) pop() {
	if w.depth > 0 {
		w.depth--
	}
	w.isKey = false
	w.context = false
	w.value = plain
}
