package main

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// A relay stands between dvproxy and the tenant, speaks just enough HTTP/1.1 to
// know where an exchange is, and cuts connections there.
type relay struct {
	listener net.Listener
	bytes    bool   // it cuts between any two bytes, and knows no exchanges
	to       string // host:port of the tenant

	mu     sync.Mutex // guards what follows
	random *rand.Rand
	cuts   map[cut]int // see tally
	open   map[net.Conn]struct{}
	done   bool
	all    sync.WaitGroup
}

// A place is where in an exchange its connection is cut.
type place int

const (
	nowhere place = iota
	onConnect
	requestLine
	requestHeader
	beforeBody
	firstOfBody
	amidBody
	lastOfBody
	afterRequest
	onExecution
	statusLine
	answerHeader
	beforeAnswerBody
	firstOfAnswer
	amidAnswer
	lastOfAnswer
	idle
	places
)

func (p place) String() string {
	return [...]string{
		"nowhere", "as it is accepted", "in the request line", "in the request's header", "before the request's body",
		"after the first byte of the body", "amid the body", "before the last byte of the body", "after the request",
		"after the execution", "in the status line", "in the answer's header", "before the answer's body",
		"after the first byte of the answer's body", "amid the answer's body", "before the last byte of the answer's body",
		"as it is idle", "", "among the bytes of requests", "among the bytes of answers",
	}[p]
}

// A cut is one that is due. Where the exchange has no such place, there is none.
type cut struct {
	place  place
	reset  bool    // with RST, else with FIN
	share  float64 // of the part that it is in, [0,1)
	after  int64   // bytes, where these are all that is known
	reused bool    // the connection has served before
}

var errCut = errors.New("cut")

// newRelay listens, and serves from its start.
func newRelay(random *rand.Rand) (*relay, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is this machine
	if err != nil {
		return nil, fmt.Errorf("listen for the relay: %w", err)
	}
	return &relay{listener: listener, random: random, cuts: map[cut]int{}, open: map[net.Conn]struct{}{}}, nil
}

func (r *relay) origin() string {
	if r.bytes {
		return "https://" + r.listener.Addr().String()
	}
	return "http://" + r.listener.Addr().String()
}

func (r *relay) start(to string) {
	r.to = to
	r.all.Go(r.accept)
}

func (r *relay) close() {
	r.mu.Lock()
	r.done = true
	for conn := range r.open {
		_ = conn.Close()
	}
	r.mu.Unlock()
	_ = r.listener.Close()
	r.all.Wait()
}

func (r *relay) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.all.Go(func() { r.serve(conn) })
	}
}

// keep says whether a connection may go on: the relay closes those it keeps.
func (r *relay) keep(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.done {
		r.open[conn] = struct{}{}
	}
	return !r.done
}

func (r *relay) drop(conn net.Conn) {
	r.mu.Lock()
	delete(r.open, conn)
	r.mu.Unlock()
	_ = conn.Close()
}

// draw is the cut for the next exchange of a connection. Some pass, so that
// there are connections to use again.
func (r *relay) draw(reused bool) cut {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := cut{reset: r.random.IntN(2) == 0, share: r.random.Float64(), reused: reused}
	if c.place = place(r.random.IntN(int(places) + 3)); c.place >= places || c.place == onConnect && reused {
		c.place = nowhere
	}
	return c
}

// strike counts a cut, and makes it: dvproxy's side ends as the cut says, and the
// tenant's when the caller closes it.
func (r *relay) strike(c cut, down net.Conn) error {
	r.mu.Lock()
	c.share = 0
	if c.after > 0 {
		c.after = int64(math.Pow10(int(math.Ceil(math.Log10(float64(c.after))))))
	}
	r.cuts[c]++
	r.mu.Unlock()
	tcp, ok := down.(*net.TCPConn)
	switch {
	case !ok:
	case c.reset:
		_ = tcp.SetLinger(0)
	default:
		// Closing with bytes unread is a reset; so the end goes out first.
		_ = tcp.CloseWrite()
		_ = tcp.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		for buffer := make([]byte, 32<<10); ; {
			if _, err := tcp.Read(buffer); err != nil {
				break
			}
		}
	}
	return errCut
}

// tally is how many cuts there were, without their share, and their bytes rounded
// up to a power of ten.
func (r *relay) tally() map[cut]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.cuts)
}

// struck is how many cuts there were in all.
func (r *relay) struck() (n int) {
	for _, count := range r.tally() {
		n += count
	}
	return n
}

// serve relays the exchanges of one connection until it is cut.
func (r *relay) serve(down net.Conn) {
	defer r.drop(down)
	c := r.draw(false)
	if c.place == onConnect && !r.bytes {
		_ = r.strike(c, down)
		return
	}
	up, err := net.Dial("tcp", r.to) //nolint:noctx // it is this machine
	if err != nil {
		return
	}
	defer r.drop(up)
	if !r.keep(down) || !r.keep(up) {
		return
	}
	if r.bytes {
		r.relayBytes(down, up)
		return
	}
	x := &exchange{relay: r, down: down, up: up, from: bufio.NewReader(down), back: bufio.NewReader(up)}
	for ; err == nil; c = r.draw(true) {
		x.cut = c
		err = x.pass()
	}
}
