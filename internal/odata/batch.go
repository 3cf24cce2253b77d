package odata

import "bytes"

// Bounds of a batch. What exceeds them passes as it is.
const (
	maxNesting = 4         // multiparts inside one another; OData has two
	maxLine    = 128 << 10 // bytes of a line outside of bodies; Dataverse takes URLs up to 64 KiB
	maxHeld    = 512 << 10 // bytes held until a part's length is known
)

// batchStage maps the links of a multipart body that flows through it: the
// start lines, headers and bodies of the messages that are its parts.
// RFC 2046 section 5.1; OData 4.0 Protocol 11.7.
type batchStage struct {
	stream *Stream
	out    output

	bounds [][]byte // "--boundary" of each open multipart, the outermost first
	place  place
	line   []byte // of a line that is not complete: what has come and is not yet written
	start  bool   // the next byte is the first of a line; false in content only
	rest   bool   // the rest of this line passes

	part part       // the one that the next byte belongs to
	body *jsonStage // maps the content while isOn
	walk *walker    // finds the links for it
	isOn bool
}

// place is where in a multipart the next byte stands.
type place uint8

const (
	inContent   place = iota // a preamble, a body or an epilogue
	inPartHead               // the MIME header of a part
	inStartLine              // the request line or status line of a message
	inHead                   // its header
)

func newBatch(s *Stream, boundary string) *batchStage {
	b := &batchStage{stream: s, start: true}
	b.out.tally = &s.tally
	b.open(boundary)
	b.walk = new(walker)
	b.body = &jsonStage{swap: s.swap, tally: &s.tally, find: b.walk}
	return b
}

// open notes that a multipart begins: what comes is its preamble.
func (b *batchStage) open(boundary string) {
	b.bounds = append(b.bounds, []byte("--"+boundary))
}

func (b *batchStage) append(dst, src []byte) []byte {
	b.out.dst = dst
	for len(src) > 0 {
		switch {
		case b.rest:
			src = b.passLine(src)
		case b.place == inContent && b.start:
			src = b.lineStart(src)
		case b.place == inContent:
			src = b.content(src)
		default:
			src = b.headLine(src)
		}
	}
	dst, b.out.dst = b.out.dst, nil
	return dst
}

func (b *batchStage) flush(dst []byte) []byte {
	b.out.dst = dst
	b.write(b.line)
	b.line = nil
	b.endBody()
	b.out.release(0)
	dst, b.out.dst = b.out.dst, nil
	return dst
}

// passLine writes the rest of a line, and returns what follows it.
func (b *batchStage) passLine(src []byte) []byte {
	end := bytes.IndexByte(src, '\n') + 1
	if end == 0 {
		end = len(src)
	} else {
		b.rest = false
		b.start = true
	}
	b.out.write(src[:end])
	return src[end:]
}

// content writes a body up to the next line that may be a delimiter.
func (b *batchStage) content(src []byte) []byte {
	end := bytes.Index(src, []byte("\n-")) + 1
	switch {
	case end > 0:
		b.start = true
	case src[len(src)-1] == '\n':
		b.start = true
		fallthrough
	default:
		end = len(src)
	}
	b.write(src[:end])
	return src[end:]
}

// write writes content, mapped where it is JSON.
func (b *batchStage) write(p []byte) {
	if !b.isOn {
		b.out.write(p)
		return
	}
	to := b.out.to()
	*to = b.body.append(*to, p)
	b.out.check()
}

// endBody writes what the body's mapper holds back.
func (b *batchStage) endBody() {
	if !b.isOn {
		return
	}
	to := b.out.to()
	*to = b.body.flush(*to)
	b.isOn = false
}

// endPart notes a delimiter of the multipart at level: what was open within
// has ended. A part begins, or after the last delimiter what is around the
// multipart goes on.
func (b *batchStage) endPart(level int, last bool) {
	b.endBody()
	b.out.release(level)
	b.part = part{}
	if last {
		b.bounds = b.bounds[:level]
		b.place = inContent
		return
	}
	b.bounds = b.bounds[:level+1]
	b.place = inPartHead
}

// headLine takes one line outside of content, as soon as it is complete.
func (b *batchStage) headLine(src []byte) []byte {
	end := bytes.IndexByte(src, '\n') + 1
	complete := end > 0
	if !complete {
		end = len(src)
	}
	if len(b.line)+end > maxLine {
		b.out.write(b.line)
		b.line = b.line[:0]
		b.rest = true
		if b.place == inStartLine {
			b.beginBody(false, grammar{})
		}
		return src
	}
	line := src[:end]
	if !complete || len(b.line) > 0 {
		b.line = append(b.line, line...)
		line = b.line
	}
	if complete {
		b.takeLine(line)
		b.line = b.line[:0]
	}
	return src[end:]
}

// takeLine takes a complete line outside of content.
func (b *batchStage) takeLine(line []byte) {
	if level, last, v := b.delimiter(line); v == yes {
		b.endPart(level, last)
		b.out.write(line)
		return
	}
	blank := len(bytes.TrimRight(line, "\r\n")) == 0
	switch {
	case b.place == inStartLine && !blank:
		b.startLine(line)
	case b.place == inPartHead && blank:
		b.out.write(line)
		b.endPartHead()
	case b.place == inHead && blank:
		b.out.write(line)
		b.endHead()
	case blank: // before a start line: HTTP lets them pass too
		b.out.write(line)
	default:
		b.header(line)
	}
}

// beginBody notes that what follows is a body, mapped or not. If not, nothing
// that is still to come can change the part's length.
func (b *batchStage) beginBody(mapped bool, g grammar) {
	b.place = inContent
	b.start = true
	b.isOn = mapped
	if mapped {
		b.walk.reset(g)
		return
	}
	b.out.release(len(b.bounds) - 1)
}
