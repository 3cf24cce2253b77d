package simulator

import (
	"net/http"
	"strconv"
	"time"
)

const (
	defaultTrickle  = 1000
	defaultInterval = 10 * time.Millisecond
	// corrupted is how many bytes of a compressed answer are changed.
	corrupted = 8
)

// playBody sends the usual answer, but not as it should.
func (t *Tenant) playBody(f *activeFault, w http.ResponseWriter, r *http.Request, v verdict) {
	whole := newUnsent()
	t.stampHeaders(whole.header)
	f.stamp(whole.header)
	t.admit(whole, r, v)
	clear(w.Header())
	for name, values := range whole.header {
		w.Header()[name] = values
	}
	body := whole.body.Bytes()
	if f.Kind == FaultCorruptGzip || f.Kind == FaultTruncateGzip {
		if w.Header()["Content-Encoding"] == nil && len(body) > 0 {
			w.Header()["Content-Encoding"] = []string{"gzip"}
			body = compress(body)
		}
	}
	at := f.Bytes
	if at == 0 {
		at = int64(len(body) / 2)
	}
	at = min(at, int64(len(body)))
	switch f.Kind {
	case FaultTruncate:
		truncate(w, whole.status, body, f.Bytes)
	case FaultTruncateChunks:
		writeChunk(w, whole.status, body[:at])
		panic(http.ErrAbortHandler)
	case FaultTrickle:
		trickle(f, w, r, whole.status, body)
	case FaultCorruptGzip:
		writeWhole(w, whole.status, corrupt(body, at))
	case FaultTruncateGzip:
		writeWhole(w, whole.status, body[:at])
	}
}

// writeWhole declares the length of what it sends, or leaves that to chunks for
// a long body, as the usual answer does.
func writeWhole(w http.ResponseWriter, status int, body []byte) {
	delete(w.Header(), "Content-Length")
	if len(body) <= chunksOver {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	w.Write(body)
}

// writeChunk sends the head without a length and the first bytes after it.
func writeChunk(w http.ResponseWriter, status int, body []byte) {
	delete(w.Header(), "Content-Length")
	w.WriteHeader(status)
	w.Write(body)
	http.NewResponseController(w).Flush()
}

// corrupt changes some bytes; the checksum at the end will not fit.
func corrupt(body []byte, at int64) []byte {
	out := append([]byte(nil), body...)
	for i := at; i < min(at+corrupted, int64(len(out))); i++ {
		out[i] ^= 0xff
	}
	return out
}

func trickle(f *activeFault, w http.ResponseWriter, r *http.Request, status int, body []byte) {
	size, interval := f.Bytes, f.Interval
	setDefault(&size, defaultTrickle)
	setDefault(&interval, defaultInterval)
	for first := true; first || len(body) > 0; first = false {
		if !first && !pause(r, interval, f.cleared) {
			panic(http.ErrAbortHandler)
		}
		n := min(size, int64(len(body)))
		if first {
			writeChunk(w, status, body[:n])
		} else {
			w.Write(body[:n])
			http.NewResponseController(w).Flush()
		}
		body = body[n:]
	}
}
