package main

import (
	"errors"
	"io"
	"net"
	"sync"
)

// Where a connection is cut whose bytes mean nothing to the relay: those of
// HTTP/2 in TLS.
const (
	ofRequests place = places + 1 + iota
	ofAnswers
	bytePlaces
)

// drawByte is the cut for a connection. As many are after some hundred bytes,
// amid the handshake, as after some hundred thousand.
func (r *relay) drawByte() cut {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, most := cut{place: ofRequests, reset: r.random.IntN(2) == 0}, 16
	if r.random.IntN(2) == 0 {
		c.place, most = ofAnswers, 10 // they are shorter
	}
	at := int64(1) << (6 + r.random.IntN(most))
	c.after = at + r.random.Int64N(at)
	return c
}

// relayBytes relays a connection until so many bytes have passed one way.
func (r *relay) relayBytes(down, up net.Conn) {
	c := r.drawByte()
	var once sync.Once
	end := func(err error) {
		once.Do(func() {
			if errors.Is(err, errCut) {
				_ = r.strike(c, down)
			}
			_ = down.Close()
			_ = up.Close()
		})
	}
	pass := func(to, from net.Conn, due bool) {
		if !due {
			_, err := io.Copy(to, from)
			end(err)
			return
		}
		if _, err := io.CopyN(to, from, c.after); err != nil {
			end(err)
			return
		}
		end(errCut)
	}
	var other sync.WaitGroup
	other.Go(func() { pass(down, up, c.place == ofAnswers) })
	pass(up, down, c.place == ofRequests)
	other.Wait()
}
