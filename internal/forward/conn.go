package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// lastWords is how long a failed write waits for what upstream may still have
// said before it went.
const lastWords = 300 * time.Millisecond

// life is how long a connection is used, and half as long again for some so that
// they do not all end at once. Under load none is ever idle, and would stay with
// the address that DNS named when it was made.
const life = 2 * time.Minute

// errHungUp ends a write before anything is written.
var errHungUp = errors.New("upstream has closed the connection")

// A conn is a connection to upstream that counts what is written to it, so
// that one can tell whether a request may have arrived; and that lets the
// reader finish before a failed write is reported. An upstream that answers
// early (with a 401, say) and resets the connection would otherwise be heard
// only half of the time: the transport takes the write error for the whole
// story, though the answer is there to be read. And it looks whether upstream has
// closed it before a request is written: one of which nothing was sent can be
// sent on another.
type conn struct {
	net.Conn
	peek    func() bool // says whether upstream has closed it
	retire  time.Time   // when it is to be used no more
	written atomic.Int64
	begins  atomic.Bool // the next write is the first of a request
	once    sync.Once
	ended   chan struct{} // closed once reading has ended
}

func newConn(c net.Conn) *conn {
	return &conn{
		Conn: c, peek: peeker(c), ended: make(chan struct{}),
		retire: time.Now().Add(life + rand.N(life/2)), //nolint:gosec // no secret
	}
}

// Read reads, and notes the end.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.once.Do(func() { close(c.ended) })
	}
	return n, err
}

// Write writes, and after a failure waits for the reader to come to an end.
func (c *conn) Write(p []byte) (int, error) {
	if c.begins.Swap(false) && c.hasEnded() {
		return 0, errHungUp // not later: there may be an answer to be read first
	}
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	if err != nil {
		timer := time.NewTimer(lastWords)
		defer timer.Stop()
		select {
		case <-c.ended:
		case <-timer.C:
		}
	}
	return n, err
}

// hasEnded says whether upstream has closed the connection, which the reader
// may not have come to know yet.
func (c *conn) hasEnded() bool {
	select {
	case <-c.ended:
		return true
	default:
		return c.peek()
	}
}

// isOld says whether the connection is to be used no more.
func (c *conn) isOld() bool { return time.Now().After(c.retire) }

// connOf is the conn below a connection of the transport's; nil if there is
// none, as with a transport of a test's.
func connOf(c net.Conn) *conn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	counted, _ := c.(*conn)
	return counted
}

// A dial is a net.Dialer's DialContext.
type dial func(ctx context.Context, network, address string) (net.Conn, error)

// counted makes a dial's connections conns.
func (d dial) counted(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return newConn(c), nil
}
