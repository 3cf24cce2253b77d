package forward

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

var (
	errDetached = errors.New("this attempt has ended")
	errLost     = errors.New("the body is no longer there to be sent again")
)

// A keeper owns the body of one client's request. Each attempt at sending the
// request reads a view of it, from the beginning; what a view is the first to
// read comes from the client and is stored before it is handed on. So the
// transport may still be reading for an attempt that has ended while the next
// one begins.
//
// A keeper stores as much as its keeping allows. Beyond that the body
// streams on, and once it has, the keeper is lost: no view can be read anew.
type keeper struct {
	keeping *keeping
	source  chan io.Reader // holds the client's body; whoever takes it out may read it

	mu    sync.Mutex // guards the fields below; never held across I/O
	store store      // only the holder of source adds to it
	size  int64      // bytes read from the client
	end   error      // how the client's body ended; nil while it goes on
	full  bool       // nothing more will be stored
	lost  bool       // bytes have been read that are not in the store
}

// keep returns the keeper of a body with the declared length, -1 if unknown.
func (k *keeping) keep(body io.Reader, length int64) *keeper {
	kept := &keeper{keeping: k, source: make(chan io.Reader, 1), full: length > k.maxBody}
	kept.store.expect = length
	kept.source <- body
	return kept
}

// view returns the body from its beginning, to be read by one attempt.
func (k *keeper) view() *view { return &view{keeper: k, detached: make(chan struct{})} }

// replayable says whether the body can be had from its beginning.
func (k *keeper) replayable() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return !k.lost
}

// ended says whether the client's body has been read to its end. One that ended in
// an error has not: the client may still be sending.
func (k *keeper) ended() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return errors.Is(k.end, io.EOF)
}

// length is that of the whole body in bytes, or -1 if that is not known yet.
func (k *keeper) length() int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !errors.Is(k.end, io.EOF) {
		return -1
	}
	return k.size
}

// clientError is how the client's body failed: nil if it has not.
func (k *keeper) clientError() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if errors.Is(k.end, io.EOF) {
		return nil
	}
	return k.end
}

// fill reads the client's body to its end, or for as far as it can be stored,
// so that net/http notices if the client goes away: it looks only once the
// body has been read. The error is the client's or ctx's.
func (k *keeper) fill(ctx context.Context) error {
	buf := k.keeping.buffers.Get()
	defer k.keeping.buffers.Put(buf)
	v := k.view()
	stop := context.AfterFunc(ctx, v.detach)
	defer stop()
	for k.moveToEnd(v) {
		_, err := v.Read(buf)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		}
	}
	return nil
}

// left looks whether the client has gone. One that has sent its whole body may
// have; one that has not is still sending, or its body breaks off.
func (k *keeper) left(client context.Context) bool {
	const arrived, noticed = 50 * time.Millisecond, 5 * time.Millisecond
	filled := make(chan struct{})
	ctx, cancel := context.WithTimeout(client, arrived)
	defer cancel()
	go func() {
		defer close(filled)
		_ = k.fill(ctx)
	}()
	select {
	case <-filled:
	case <-ctx.Done():
	}
	if k.ended() {
		select {
		case <-client.Done():
		case <-time.After(noticed): // which net/http needs to read the end of the connection
		}
	}
	return client.Err() != nil
}

// moveToEnd moves a view behind what has been read so far and tells whether
// what comes next will be stored.
func (k *keeper) moveToEnd(v *view) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	v.offset = k.size
	return !k.full
}

// stored reads at an offset what has been read from the client before. It
// returns 0 and nil if there is nothing yet.
func (k *keeper) stored(p []byte, offset int64) (int, error) {
	k.mu.Lock()
	size, end, lost := k.size, k.end, k.lost
	var n int
	var filed io.Reader
	if offset < size && !lost {
		n, filed = k.store.at(p, offset)
	}
	k.mu.Unlock()
	switch {
	case offset >= size:
		return 0, end
	case lost:
		return 0, errLost
	case filed != nil:
		return io.ReadFull(filed, p[:n])
	}
	return n, nil
}

// pull reads on from the client, for a view at the end of what has been read.
// The caller holds source.
func (k *keeper) pull(source io.Reader, p []byte) (int, error) {
	n, err := source.Read(p)
	if n > 0 {
		k.put(p[:n])
	}
	if err != nil {
		k.mu.Lock()
		k.end = err
		k.mu.Unlock()
	}
	if n > 0 {
		return n, nil // the end is told at the next read
	}
	return 0, err
}

// put stores a chunk, as far as there is room. The first chunk for which there
// is none is still kept, and is the last: nothing that was read is lost before
// more is read.
func (k *keeper) put(chunk []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.full:
		k.lost = true
		k.store.drop(k.keeping)
	case k.size+int64(len(chunk)) > k.keeping.maxBody:
		k.full = true
		k.store.keepBeside(chunk)
	case k.store.remember(k.keeping, chunk):
	default:
		k.file(chunk)
	}
	k.size += int64(len(chunk))
}

// file writes a chunk to the temporary file. It gives up mu for that.
func (k *keeper) file(chunk []byte) {
	file, offset := k.store.file, k.store.filed
	k.mu.Unlock()
	file, err := k.keeping.write(file, offset, chunk)
	k.mu.Lock()
	if k.lost { // closed meanwhile
		if file != nil && k.store.file == nil {
			_ = file.Close()
		}
		return
	}
	k.store.file = file
	if err == nil {
		k.store.filed += int64(len(chunk))
		return
	}
	k.full = true
	k.store.keepBeside(chunk)
	k.keeping.warn(err)
}

// close gives back what the keeper holds. No view can be read afterwards.
func (k *keeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.full, k.lost = true, true
	k.store.drop(k.keeping)
}
