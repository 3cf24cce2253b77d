package main

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A line is a relay before a server that is as far away as a round trip says.
type line struct {
	address string
	carried atomic.Int64 // bytes that came from the server
	close   func()
}

func newLine(ctx context.Context, to string, roundTrip time.Duration) (*line, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &line{address: listener.Addr().String(), close: func() { _ = listener.Close() }}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go l.carry(near, to, roundTrip)
		}
	}()
	return l, nil
}

// carry brings the bytes of one connection over, half a round trip late. The
// kernel has shaken hands already, so that what a handshake takes is waited
// for here: the first bytes come a whole round trip later than they would.
func (l *line) carry(near net.Conn, to string, roundTrip time.Duration) {
	defer near.Close()
	far, err := new(net.Dialer).Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	<-time.After(roundTrip)
	var both sync.WaitGroup
	both.Go(func() { late(far, near, roundTrip/2, new(atomic.Int64)) })
	both.Go(func() { late(near, far, roundTrip/2, &l.carried) })
	both.Wait()
}

// late copies until one side is closed, and passes the end on.
func late(to, from net.Conn, by time.Duration, carried *atomic.Int64) {
	type piece struct {
		due   time.Time
		bytes []byte
	}
	pieces := make(chan piece, 1024)
	go func() {
		defer close(pieces)
		for {
			buf := make([]byte, 16<<10)
			n, err := from.Read(buf)
			if n > 0 {
				pieces <- piece{time.Now().Add(by), buf[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range pieces {
		<-time.After(time.Until(p.due))
		carried.Add(int64(len(p.bytes))) // before the other side has them, and looks
		_, _ = to.Write(p.bytes)         // to a side that is gone: the reader ends too
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, from) // what came after a failed write
}
