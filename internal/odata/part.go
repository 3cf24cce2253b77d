package odata

import (
	"bytes"
	"strconv"
	"strings"
)

// part is what the lines before a part's body have said.
type part struct {
	kind     kind   // of the part, and then of the message in it, where that says
	boundary string // of a part that is a multipart itself
	coded    bool   // the body is encoded: its bytes are not the text
	grammar  grammar
}

// endPartHead notes the blank line after a part's MIME header.
func (b *batchStage) endPartHead() {
	b.out.count()
	p := &b.part
	switch {
	case p.coded:
		b.beginBody(false, grammar{})
	case p.kind == kindHTTP:
		b.place = inStartLine
	case p.kind == kindBatch && p.boundary != "" && len(b.bounds) < maxNesting:
		b.open(p.boundary)
		b.place = inContent
		b.start = true
	default:
		b.beginBody(p.kind == kindJSON, grammar{bind: !b.stream.isAnswer()})
	}
}

// endHead notes the blank line after a message's header.
func (b *batchStage) endHead() {
	b.out.count()
	b.beginBody(b.part.kind == kindJSON && !b.part.coded, b.part.grammar)
}

// startLine maps a request line, and reads the status from a status line. A
// line that is neither, or the wrong one of the two, makes the part opaque.
func (b *batchStage) startLine(line []byte) {
	first, last, ok := requestTarget(line)
	switch {
	case b.stream.isAnswer() && bytes.HasPrefix(line, []byte("HTTP/")):
		_, after, _ := bytes.Cut(line, []byte(" "))
		code, _, _ := bytes.Cut(bytes.TrimSpace(after), []byte(" "))
		b.part.grammar.monitor = string(code) == "202"
		b.out.write(line)
	case !b.stream.isAnswer() && ok:
		target, n := b.mapTarget(string(line[first:last]))
		b.part.grammar = grammar{bind: true, reference: asksReference(target)}
		b.edit(line, first, last, target, n)
	default:
		b.out.write(line)
		b.beginBody(false, grammar{})
		return
	}
	b.place = inHead
}

// requestTarget finds the target in a request line. It may hold spaces: some
// clients do not encode them. RFC 9112 section 3.
func requestTarget(line []byte) (first, last int, ok bool) {
	text := bytes.TrimRight(line, " \r\n")
	first = bytes.IndexByte(text, ' ')
	last = bytes.LastIndexByte(text, ' ')
	if first < 0 || !bytes.HasPrefix(text[last+1:], []byte("HTTP/")) {
		return 0, 0, false
	}
	for first < last && text[first] == ' ' {
		first++
	}
	return first, last, first < last
}

// mapTarget maps a target, which may be a whole URL, and the links in its query.
func (b *batchStage) mapTarget(target string) (string, int) {
	s := b.stream.swap
	n, _, v := matchAny(s.from, target, inText)
	if v != yes {
		return s.target(target)
	}
	rest, mapped := s.target(target[n:])
	return s.to.text + rest, mapped + 1
}

// header takes a line of a part's or a message's header.
func (b *batchStage) header(line []byte) {
	name, first, last := splitHeader(line)
	value := line[first:last]
	inner := b.place == inHead
	switch {
	case strings.EqualFold(name, "Content-Type"):
		b.part.kind = kindOf(string(value))
		if b.part.kind == kindBatch && !inner {
			b.part.boundary = boundaryOf(string(value))
		}
	case strings.EqualFold(name, "Content-Transfer-Encoding") && !inner:
		b.part.coded = b.part.coded || !isIdentity(string(value))
	case strings.EqualFold(name, "Content-Encoding") && inner:
		b.part.coded = b.part.coded || !isIdentity(string(value))
	case strings.EqualFold(name, "Content-Length"):
		if n, err := strconv.ParseUint(string(value), 10, 62); err == nil {
			b.out.hold(len(b.bounds)-1, int64(n), line, first, last)
			return
		}
	case inner && b.stream.isAnswer() && linkHeader(name):
		s := b.stream.swap
		if n, _, v := matchAny(s.from, value, inText); v == yes {
			b.edit(line, first, first+n, s.to.text, 1)
			return
		}
	case inner && !b.stream.isAnswer() && strings.EqualFold(name, "Host"):
		if s := b.stream.swap; s.isHost(string(value)) {
			b.edit(line, first, last, s.to.host, 1)
			return
		}
	}
	b.out.write(line)
}

// splitHeader finds the value in a header line, without the white space around
// it, of which there may be none. RFC 9112 section 5.
func splitHeader(line []byte) (name string, first, last int) {
	colon := bytes.IndexByte(line, ':')
	last = len(bytes.TrimRight(line, " \t\r\n"))
	if colon < 0 || colon >= last {
		return "", last, last
	}
	first = last - len(bytes.TrimLeft(line[colon+1:last], " \t"))
	return string(line[:colon]), first, last
}

// isIdentity tells the encodings that leave the bytes as they are.
func isIdentity(encoding string) bool {
	switch strings.ToLower(encoding) {
	case "binary", "8bit", "7bit", "identity", "":
		return true
	}
	return false
}

// isHost tells whether a Host header names one of the origins to map.
func (s *swap) isHost(host string) bool {
	for _, o := range s.from {
		if strings.EqualFold(host, o.host) || o.port != "" && strings.EqualFold(host, o.host+o.port) {
			return true
		}
	}
	return false
}

// edit writes a line with text in place of line[first:last], which maps so many links.
func (b *batchStage) edit(line []byte, first, last int, text string, mapped int) {
	b.stream.tally.mapped += mapped
	b.stream.tally.drift += len(text) - (last - first)
	b.out.write(line[:first])
	b.out.write([]byte(text))
	b.out.write(line[last:])
}
