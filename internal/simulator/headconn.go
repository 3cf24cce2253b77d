package simulator

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"sync"
)

// net/http respells header names, and whether a client wrote REQ_ID or Req_id
// is one of the things to test. So the listeners of [Tenant.Listen] keep the
// last bytes that came in on each connection.

// headRoom is how much is kept; no request head that net/http takes by default
// and that a test looks at is longer.
const headRoom = 64 << 10

type headConn struct {
	net.Conn
	mu   sync.Mutex // guards last
	last []byte
}

func (c *headConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.last)+n > 2*headRoom {
			c.last = append(c.last[:0], c.last[max(0, len(c.last)-headRoom):]...)
		}
		c.last = append(c.last, p[max(0, n-headRoom):n]...)
	}
	return n, err
}

// headListener wraps the connections it accepts.
type headListener struct{ net.Listener }

func (l headListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &headConn{Conn: conn}, nil
}

type headKey struct{}

func keepHeads(ctx context.Context, conn net.Conn) context.Context {
	if hc, ok := conn.(*headConn); ok {
		return context.WithValue(ctx, headKey{}, hc)
	}
	return ctx
}

// rawHead is the request's head as it was on the wire, "" where it is not
// known.
func rawHead(r *http.Request) string {
	conn, _ := r.Context().Value(headKey{}).(*headConn)
	if conn == nil {
		return ""
	}
	conn.mu.Lock()
	defer conn.mu.Unlock()
	end := []byte(" " + r.RequestURI + " " + r.Proto + "\r\n")
	at := bytes.LastIndex(conn.last, end)
	if at < 0 {
		return ""
	}
	head, _, complete := bytes.Cut(conn.last[at:], []byte("\r\n\r\n"))
	if !complete {
		return ""
	}
	return r.Method + string(head) + "\r\n\r\n"
}
