package forward

import (
	"context"
	"net"
	"time"
)

type connKey struct{}

// ConnContext is for http.Server.ConnContext: it lets a [Proxy] find the
// client's connection.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// resetOnClose makes the client's connection end in a reset. To a client of
// HTTP/1.0 the end of the connection is the end of the answer, so a connection
// that is closed in good order would make a broken answer a whole one. With TLS
// it is closed at once, before net/http says goodbye on it. A Unix socket has no
// resets.
func resetOnClose(ctx context.Context) {
	c, _ := ctx.Value(connKey{}).(net.Conn)
	below, isTLS := c.(interface{ NetConn() net.Conn })
	if isTLS {
		c = below.NetConn()
	}
	if t, ok := c.(interface{ SetLinger(sec int) error }); ok {
		_ = t.SetLinger(0)
	}
	if isTLS {
		_ = c.Close()
	}
}

// hangUp ends, after a while, the reading from a client's connection that is
// to be closed. net/http reads what is left of a request's body first, for as
// long as the client likes, and clears deadlines that were set before.
func hangUp(ctx context.Context) {
	const linger = 2 * time.Second
	if c, ok := ctx.Value(connKey{}).(net.Conn); ok {
		time.AfterFunc(linger, func() { _ = c.SetReadDeadline(time.Now()) })
	}
}
