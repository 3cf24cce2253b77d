package odata

import (
	"errors"
	"io"
)

// Message is what must be known of a request or an answer to map its body.
type Message struct {
	ContentType string // as the header says
	Target      string // the request's target, for the answer too: it may decide what is a link
	Status      int    // of the answer; 0 for a request
}

// Stream maps the links of one body that flows through it. It is for one body
// and one goroutine.
type Stream struct {
	view  *View
	swap  *swap
	tally tally
	stage stage
}

// stage is a step that a body's bytes go through.
type stage interface {
	// append maps src, appends to dst what can be told, and returns it.
	append(dst, src []byte) []byte
	// flush appends what is held back, for the body is at its end.
	flush(dst []byte) []byte
}

// Response makes the stream for an answer's body, or returns nil if its content
// type holds no links to map: the body can then pass as it is, compressed or not.
func (v *View) Response(m Message) *Stream {
	if v == nil {
		return nil
	}
	return v.stream(v.answers, m)
}

// Request makes the stream for a request's body, or returns nil if its content
// type holds no links to map.
func (v *View) Request(m Message) *Stream {
	if v == nil {
		return nil
	}
	m.Status = 0
	return v.stream(v.sent, m)
}

func (v *View) stream(sw *swap, m Message) *Stream {
	if len(sw.from) == 0 {
		return nil
	}
	s := &Stream{view: v, swap: sw}
	switch kindOf(m.ContentType) {
	case kindJSON:
		s.stage = &jsonStage{swap: sw, tally: &s.tally, find: s.finder(m)}
	case kindBatch:
		boundary := boundaryOf(m.ContentType)
		if boundary == "" {
			return nil
		}
		s.stage = newBatch(s, boundary)
	default:
		return nil
	}
	return s
}

// isAnswer tells the direction.
func (s *Stream) isAnswer() bool { return s.swap == s.view.answers }

// finder chooses how to find links: by looking back, where that will do.
func (s *Stream) finder(m Message) finder {
	g := s.grammar(m)
	if s.isAnswer() && isV4(m.ContentType) && g == (grammar{}) {
		return &lookback{reach: s.swap.reach}
	}
	w := new(walker)
	w.reset(g)
	return w
}

// grammar tells what is a link in a message's JSON beside annotations.
func (s *Stream) grammar(m Message) grammar {
	if s.isAnswer() {
		return grammar{monitor: m.Status == 202, organization: asksOrganization(m.Target)}
	}
	return grammar{bind: true, reference: asksReference(m.Target)}
}

// Append maps the links in src, the next bytes of the body, appends to dst what
// can be told and returns the extended slice. It holds back only what may turn
// out to be the beginning of a link: less than the length of an origin; in a
// batch also an unfinished header line, and a part whose Content-Length must
// be known before it (see the package comment). The two slices must not
// overlap. Append allocates nothing but room in dst, once a stream is warm.
func (s *Stream) Append(dst, src []byte) []byte {
	before := s.tally.mapped
	dst = s.stage.append(dst, src)
	if n := s.tally.mapped - before; n > 0 {
		s.swap.count.Add(uint64(n))
	}
	return dst
}

// Flush appends what is still held back. The body is then at its end, be it
// complete or not.
func (s *Stream) Flush(dst []byte) []byte { return s.stage.flush(dst) }

// All maps a whole body. It must be the only call for this stream.
func (s *Stream) All(body []byte) []byte {
	return s.Flush(s.Append(make([]byte, 0, len(body)+len(body)/8), body))
}

// Length is how long the whole body that comes from src will be once it is mapped,
// by another stream: nothing is kept, and no link counted. It must be the only call
// for this stream. The error is src's, but for io.EOF.
func (s *Stream) Length(src io.Reader) (n int64, err error) {
	in := make([]byte, maxRead/2)
	out := make([]byte, 0, len(in)+len(in)/8+maxOrigin)
	for err == nil {
		var m int
		m, err = src.Read(in)
		out = s.stage.append(out[:0], in[:m])
		n += int64(len(out))
	}
	if !errors.Is(err, io.EOF) {
		return 0, err
	}
	return n + int64(len(s.stage.flush(out[:0]))), nil
}

// Mapped is the number of links mapped so far.
func (s *Stream) Mapped() int { return s.tally.mapped }

// maxRead bounds a chunk, and with it the memory of a reader.
const maxRead = 64 << 10

// Reader returns a reader of the mapped body, for an unmapped one that comes
// from src. Each Read makes one read of src, or more only while all that came
// is held back, and never waits for more than src had to give. An error from
// src, io.EOF too, is returned after all that came before it.
func (s *Stream) Reader(src io.Reader) io.Reader {
	return &reader{src: src, stream: s}
}

type reader struct {
	src    io.Reader
	stream *Stream
	out    []byte // mapped
	done   int    // out[:done] has been read
	err    error  // of src
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if r.done < len(r.out) {
			n := copy(p, r.out[r.done:])
			r.done += n
			return n, nil
		}
		if r.err != nil {
			return 0, r.err
		}
		p := p[:min(len(p), maxRead)]
		n, err := r.src.Read(p)
		if r.out == nil {
			r.out = make([]byte, 0, n+n/8+maxOrigin)
		}
		r.out, r.done = r.stream.Append(r.out[:0], p[:n]), 0
		if err != nil {
			r.out, r.err = r.stream.Flush(r.out), err
		}
		if n == 0 && err == nil {
			return 0, nil
		}
	}
}
