package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/listen"
)

// serving is a server on a free port.
func serving(t *testing.T, h http.HandlerFunc) (s *server, addr string) {
	t.Helper()
	endpoint, err := listen.Open(t.Context(), "127.0.0.1:0", listen.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s = newServer(place{}, endpoint, slog.New(slog.DiscardHandler))
	s.stage.Store(&stage{handler: h})
	go func() { _ = s.serve() }()
	t.Cleanup(func() { _ = s.http.Close() })
	return s, endpoint.Listeners[0].Addr().String()
}

func dialTo(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	return conn
}

// until waits for what the server notices in its own time.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

// waitsOn is how many connections the server has that wait for a request, and on how
// many of those it has heard a beginning.
func (s *server) waitsOn() (all, begun int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.waiting {
		if h := heardOf(c); h != nil && h.any.Load() {
			begun++
		}
	}
	return len(s.waiting), begun
}

// A request whose header is on its way when draining begins is answered, and
// told that the connection ends; a connection that carried nothing is closed.
func TestDrainWaitsForAHeader(t *testing.T) {
	s, addr := serving(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	drainWaits(t, s, dialTo(t, addr), dialTo(t, addr))
}

// drainWaits sends half a header, lets the server drain, and sends the rest.
func drainWaits(t *testing.T, s *server, unused, half net.Conn) {
	t.Helper()
	fmt.Fprint(half, "GET / HTTP/1.1\r\nHo")
	until(t, "the server has read that", func() bool { _, begun := s.waitsOn(); return begun == 1 })
	drained := make(chan error)
	go func() { drained <- s.drain(t.Context()) }()
	if _, err := io.ReadAll(unused); err != nil {
		t.Errorf("the unused connection ends with %v", err)
	}
	fmt.Fprint(half, "st: h\r\n\r\n")
	answer, err := io.ReadAll(half)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") || !strings.Contains(string(answer), "Connection: close") {
		t.Errorf("answered %q, %v", answer, err)
	}
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
}

// A header on its way is waited for on a connection, too, that has carried a request; one that has
// nothing to say is closed.
func TestDrainWaitsForTheNextHeader(t *testing.T) {
	s, addr := serving(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	idle, half := dialTo(t, addr), dialTo(t, addr)
	for _, conn := range []net.Conn{idle, half} {
		fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || resp.Close {
			t.Fatalf("answered %v, %v", resp, err)
		}
	}
	until(t, "both wait for the next", func() bool { all, _ := s.waitsOn(); return all == 2 })
	fmt.Fprint(half, "GET / HTTP/1.1\r\nHo")
	until(t, "the server has read that", func() bool { _, begun := s.waitsOn(); return begun == 1 })
	drained := make(chan error)
	go func() { drained <- s.drain(t.Context()) }()
	// Long before headerGrace, at whose end the other would be closed too.
	if rest, err := io.ReadAll(idle); err != nil || len(rest) > 0 {
		t.Errorf("the idle connection ends with %q, %v", rest, err)
	}
	fmt.Fprint(half, "st: h\r\n\r\n")
	answer, err := io.ReadAll(half)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200") || !strings.Contains(string(answer), "Connection: close") {
		t.Errorf("answered %q, %v", answer, err)
	}
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
}

func TestDrainEndsWithItsContext(t *testing.T) {
	started := make(chan struct{})
	s, addr := serving(t, func(_ http.ResponseWriter, r *http.Request) { close(started); <-r.Context().Done() })
	fmt.Fprint(dialTo(t, addr), "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.drain(ctx); err == nil {
		t.Error("no error, though a request was cut off")
	}
}
