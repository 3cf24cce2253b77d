package guard

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// A body is a request's that is looked through while it is read. When
// something is found, its bytes and all that follow are not handed out: the body
// ends in an error, and whoever sends it on breaks off.
type body struct {
	io.ReadCloser               // the client's
	request       *http.Request // whose trailer is there at the end
	search        search        // nil: only the trailer counts
	refusal       atomic.Pointer[refusedBody]

	ahead []byte // was read and looked through before
	rest  error  // what the client's body ended in, if it was read ahead
}

// A refusedBody is the error that a body ends in when it is refused.
type refusedBody struct{ why string }

// Error says what happened.
func (e *refusedBody) Error() string { return "the body is refused: " + e.why }

// Refusal is what the client is to be answered: a status, what of the error
// code dvproxy.what, and a message.
func (e *refusedBody) Refusal() (status int, code, message string) {
	r := impersonationRefused(e.why)
	return r.Status, r.Code, r.Message
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if len(b.ahead) > 0 {
		n := copy(p, b.ahead)
		b.ahead = b.ahead[n:]
		return n, nil
	}
	if b.rest != nil {
		b.ahead = nil // gives the memory back
		return 0, b.rest
	}
	if refusal := b.refusal.Load(); refusal != nil {
		return 0, refusal
	}
	n, err := b.ReadCloser.Read(p)
	if why := b.look(p[:n], errors.Is(err, io.EOF)); why != "" {
		refusal := &refusedBody{why}
		b.refusal.Store(refusal)
		return 0, refusal
	}
	return n, err
}

// look looks through the next bytes, and at the end through the trailer too,
// which net/http has filled by then.
func (b *body) look(p []byte, last bool) (why string) {
	if b.search != nil {
		why = b.search.look(p)
		if why == "" && last {
			why = b.search.end()
		}
	}
	if name, found := callerIn(b.request.Trailer); why == "" && last && found {
		why = fmt.Sprintf("The trailer %s names the user to act as.", clipped(name))
	}
	return why
}

// readAhead reads a body of that length to its end, and says why it is refused.
// A refused one is read to its end all the same, so that the client reads the
// answer. If the client's body breaks off, so does what is read from now on.
func (b *body) readAhead(length int64) (why string) {
	buf := make([]byte, length+1) // one more, to read the end
	n, ended := 0, error(nil)
	for ended == nil {
		var read int
		read, ended = b.Read(buf[n:])
		n += read
	}
	if refusal := b.refusal.Load(); refusal != nil {
		_, _ = io.Copy(io.Discard, b.ReadCloser)
		return refusal.why
	}
	b.ahead, b.rest = buf[:n], ended
	return ""
}
