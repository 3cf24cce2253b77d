package forward

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
)

// A keeping says how much of a request's body is kept for a replay, and where.
type keeping struct {
	maxBody int64   // bytes of the largest body that is kept
	memory  int64   // bytes of a body that are kept in memory
	dir     string  // for temporary files; empty: the system's
	budget  *Budget // memory for the bodies of all requests
	buffers *bufferPool
	log     *slog.Logger

	warned sync.Once
}

// write adds a chunk to a temporary file at an offset. The file is made if it
// is nil; it has no name any more, or loses it when it is closed.
func (k *keeping) write(file *os.File, offset int64, chunk []byte) (*os.File, error) {
	if file == nil {
		var err error
		if file, err = createUnnamed(k.dir); err != nil {
			return nil, fmt.Errorf("create a temporary file: %w", err)
		}
	}
	if _, err := file.WriteAt(chunk, offset); err != nil {
		return file, fmt.Errorf("write a temporary file: %w", err)
	}
	return file, nil
}

func (k *keeping) warn(err error) {
	k.warned.Do(func() {
		k.log.Warn("request bodies cannot be kept for a replay; set retry.dir to a folder with room, or raise retry.memory",
			slog.Any("error", err))
	})
}

// A Budget bounds the memory that is held for a purpose by all of a process.
type Budget struct{ left atomic.Int64 }

// NewBudget returns a budget of so many bytes.
func NewBudget(bytes int64) *Budget {
	b := &Budget{}
	b.left.Store(bytes)
	return b
}

func (b *Budget) take(bytes int64) bool {
	if b.left.Add(-bytes) >= 0 {
		return true
	}
	b.left.Add(bytes)
	return false
}

func (b *Budget) give(bytes int64) { b.left.Add(bytes) }

const bufferSize = 32 << 10

// A bufferPool lends buffers for copying bodies. It is an httputil.BufferPool.
type bufferPool struct{ pool sync.Pool }

// Get returns a buffer of bufferSize bytes.
func (p *bufferPool) Get() []byte {
	if b, ok := p.pool.Get().(*[bufferSize]byte); ok {
		return b[:]
	}
	return make([]byte, bufferSize)
}

// Put takes back a buffer that Get returned.
func (p *bufferPool) Put(b []byte) { p.pool.Put((*[bufferSize]byte)(b)) }
