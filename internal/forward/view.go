package forward

import (
	"context"
	"io"
	"sync"
	"time"
)

// A view is the body of a request as one attempt reads it. It is an
// [io.ReadCloser] that the transport may read, close and forget in any order
// and from any goroutine.
type view struct {
	keeper   *keeper
	offset   int64 // read by this view so far; used by the reader only
	once     sync.Once
	detached chan struct{} // closed once the attempt has ended
}

// Read reads what other views have read before, then the client's body itself.
func (v *view) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if v.isDetached() {
			return 0, errDetached
		}
		if n, err := v.keeper.stored(p, v.offset); n > 0 || err != nil {
			v.offset += int64(n)
			return n, err
		}
		select {
		case source := <-v.keeper.source:
			n, err, read := v.pull(source, p)
			v.keeper.source <- source
			if read {
				return n, err
			}
		case <-v.detached:
		}
	}
}

// An attemptBody is a view that, before it is read for the first time, makes
// sure that the client is still there if getting a connection took a while.
type attemptBody struct {
	*view
	client context.Context // the client's request's
	began  time.Time       // when the attempt did
	read   bool
}

// Read reads the view. The error is the client's context's if it has gone.
func (b *attemptBody) Read(p []byte) (int, error) {
	const aWhile = 50 * time.Millisecond
	if !b.read {
		b.read = true
		if time.Since(b.began) > aWhile && b.keeper.left(b.client) {
			return 0, context.Cause(b.client)
		}
	}
	return b.view.Read(p)
}

// pull reads from the client, unless another view has done so since we looked
// or the attempt has ended.
func (v *view) pull(source io.Reader, p []byte) (n int, err error, read bool) {
	if v.isDetached() {
		return 0, nil, false
	}
	if n, err := v.keeper.stored(p, v.offset); n > 0 || err != nil {
		v.offset += int64(n)
		return n, err, true
	}
	n, err = v.keeper.pull(source, p)
	v.offset += int64(n)
	return n, err, true
}

// Close ends the view. The client's body stays open.
func (v *view) Close() error {
	v.detach()
	return nil
}

func (v *view) detach() { v.once.Do(func() { close(v.detached) }) }

func (v *view) isDetached() bool {
	select {
	case <-v.detached:
		return true
	default:
		return false
	}
}
