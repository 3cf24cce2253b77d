package forward

import (
	"bufio"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// askForGzip asks upstream for the one coding that we can read, also for
// clients that asked for none: the line to upstream is the slow one. A request
// for a range goes as the client wrote it, since a range is one of coded bytes.
func askForGzip(h http.Header) {
	if _, ok := h["Range"]; !ok {
		h["Accept-Encoding"] = []string{"gzip"}
	}
}

// acceptsGzip says whether a client asked for gzip. RFC 9110 12.5.3.
func acceptsGzip(acceptEncoding []string) bool {
	any := false
	for _, line := range acceptEncoding {
		for element := range strings.SplitSeq(line, ",") {
			coding, parameters, _ := strings.Cut(element, ";")
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				return weight(parameters) > 0
			case "*":
				any = weight(parameters) > 0
			}
		}
	}
	return any
}

// weight is the value of q among a coding's parameters; 1 if it is not there.
func weight(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil {
				return 0
			}
			return q
		}
	}
	return 1
}

// A coding is how a body is coded, as far as we can tell apart.
type coding uint8

const (
	identity coding = iota
	gzipCoding
	otherCoding
)

func codingOf(h http.Header) coding {
	switch strings.ToLower(strings.TrimSpace(strings.Join(h["Content-Encoding"], ","))) {
	case "", "identity":
		return identity
	case "gzip", "x-gzip":
		return gzipCoding
	}
	return otherCoding
}

// A gzipPool lends decoders, which are some 40 KiB each.
type gzipPool struct{ pool sync.Pool }

// reader returns a reader of a coded body's content. Nothing is read before
// its first Read, and none waits for more than it needs. Only a whole body, with
// the right checksum, ends in io.EOF; an empty one is one without content.
func (p *gzipPool) reader(coded io.Reader) *gzipBody {
	return &gzipBody{pool: p, coded: coded}
}

type gzipBody struct {
	pool    *gzipPool
	coded   io.Reader
	begun   bool     // coded has been read from
	decoder *decoder // nil before the first Read and after close
	err     error
}

type decoder struct {
	buf  *bufio.Reader // saves gzip from making one
	gzip gzip.Reader
}

// Read decodes. A body that breaks off ends in io.ErrUnexpectedEOF, a damaged
// one in an error of compress/gzip or compress/flate.
func (b *gzipBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if !b.begun {
		if b.err = b.begin(); b.err != nil {
			return 0, b.err
		}
	}
	n, err := b.decoder.gzip.Read(p)
	b.err = err
	return n, err
}

func (b *gzipBody) begin() error {
	b.begun = true
	if b.decoder == nil {
		var ok bool
		if b.decoder, ok = b.pool.pool.Get().(*decoder); !ok {
			b.decoder = &decoder{buf: bufio.NewReaderSize(nil, 8<<10)}
		}
	}
	b.decoder.buf.Reset(b.coded)
	return b.decoder.gzip.Reset(b.decoder.buf)
}

// reset has it read another coded body from its beginning. It must not be closed.
func (b *gzipBody) reset(coded io.Reader) { b.coded, b.begun, b.err = coded, false, nil }

// close gives the decoder back. The coded body stays open.
func (b *gzipBody) close() {
	if b.err == nil {
		b.err = io.ErrClosedPipe
	}
	if d := b.decoder; d != nil {
		b.decoder = nil
		d.buf.Reset(nil)
		b.pool.pool.Put(d)
	}
}
