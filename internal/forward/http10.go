package forward

import (
	"context"
	"net"
)

type connKey struct{}

// ConnContext is for http.Server.ConnContext: it lets a [Proxy] find the
// client's connection.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// resetOnClose makes the client's connection end in a reset. To a client of
// HTTP/1.0 the end of the connection is the end of the answer, so a connection
// that is closed in good order would make a broken answer a whole one.
func resetOnClose(ctx context.Context) {
	c, _ := ctx.Value(connKey{}).(net.Conn)
	if t, ok := c.(interface{ SetLinger(sec int) error }); ok {
		_ = t.SetLinger(0)
	}
}
