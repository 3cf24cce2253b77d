package main

import (
	"crypto/tls"
	"net"
	"sync/atomic"
)

// A hearing is a listener whose connections know whether anything was heard on
// them: one on which a request's header is on its way is not an unused one.
type hearing struct{ net.Listener }

// Accept returns the next connection.
func (h hearing) Accept() (net.Conn, error) {
	c, err := h.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &heard{Conn: c}, nil
}

type heard struct {
	net.Conn
	any atomic.Bool
}

// heardOf is the heard at a server's connection, or below it with TLS.
func heardOf(c net.Conn) *heard {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	h, _ := c.(*heard)
	return h
}

// Read reads, and notes that something came.
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	if n > 0 && !h.any.Load() {
		h.any.Store(true)
	}
	return n, err
}

// SetLinger is that of a TCP connection; see forward.ConnContext.
func (h *heard) SetLinger(sec int) error {
	if c, ok := h.Conn.(*net.TCPConn); ok {
		return c.SetLinger(sec)
	}
	return nil
}
