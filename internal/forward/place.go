package forward

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// A place is one request's leave to be under way.
type place struct {
	gate  *Gate
	epoch int // of the limit, when the place was taken
	once  sync.Once
}

// leave gives the place back. Only the first call counts.
func (p *place) leave() { p.end(func() { p.gate.pause.answer(time.Now()) }) }

// refused gives the place back of a request that service protection refused,
// which pauses all. It returns for how long from now that is.
func (p *place) refused(r *refusal) time.Duration {
	left := p.gate.shut(r, p.epoch)
	p.end(func() {})
	return left
}

func (p *place) end(note func()) {
	p.once.Do(func() {
		g := p.gate
		g.mu.Lock()
		defer g.mu.Unlock()
		g.active--
		note()
		g.dispatch()
	})
}

// keepUntilRead gives the place back when an answer has been read to its end:
// so long does upstream count its request.
func (p *place) keepUntilRead(resp *http.Response) {
	if resp.Body == http.NoBody {
		p.leave()
		return
	}
	resp.Body = &placedBody{resp.Body, p}
}

type placedBody struct {
	io.ReadCloser
	place *place
}

// Read reads, and notes the end.
func (b *placedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.place.leave()
	}
	return n, err
}

// Close closes the answer.
func (b *placedBody) Close() error {
	err := b.ReadCloser.Close()
	b.place.leave()
	return err
}
