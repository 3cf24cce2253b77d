package simulator

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// reset ends the exchange with a TCP RST; on HTTP/2 with a stream error.
// It does not return: the answer must not be continued.
func reset(w http.ResponseWriter) {
	if conn, _, ok := takeOver(w); ok {
		abort(conn)
	}
	panic(http.ErrAbortHandler)
}

// hangUp closes the connection without a word.
func hangUp(w http.ResponseWriter) {
	if conn, _, ok := takeOver(w); ok {
		conn.Close()
	}
	panic(http.ErrAbortHandler)
}

// takeOver takes the connection from net/http, if the protocol allows it.
func takeOver(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, bool) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, false
	}
	if aw, ok := w.(*statusWriter); ok {
		aw.hijacked = true
	}
	return conn, rw, true
}

// abort closes conn so that the peer sees a reset, not an orderly end.
func abort(conn net.Conn) {
	inner := conn
	for {
		switch c := inner.(type) {
		case *tls.Conn:
			inner = c.NetConn()
			continue
		case *headConn:
			inner = c.Conn
			continue
		case *net.TCPConn:
			c.SetLinger(0)
		}
		break
	}
	inner.Close()
}

// drain reads the rest of the request.
func drain(r *http.Request) { io.Copy(io.Discard, r.Body) }

// pause waits for d, and tells whether the exchange is to go on: the client is
// still there.
func pause(r *http.Request, d time.Duration, cleared <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-cleared:
		return true
	case <-r.Context().Done():
		return false
	}
}

// hang waits until the client leaves or the fault is cleared; it tells whether
// the exchange is to go on. The body is read first, since net/http watches for
// the client's going only then, and kept for what comes after.
func hang(r *http.Request, cleared <-chan struct{}) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	select {
	case <-cleared:
		return true
	case <-r.Context().Done():
		return false
	}
}
