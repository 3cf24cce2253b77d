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
	<-time.After(50 * time.Millisecond) // until the server has read it
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
	fmt.Fprint(half, "GET / HTTP/1.1\r\nHo")
	<-time.After(50 * time.Millisecond) // until the server has read it
	drained := make(chan error)
	begin := time.Now()
	go func() { drained <- s.drain(t.Context()) }()
	if rest, err := io.ReadAll(idle); err != nil || len(rest) > 0 || time.Since(begin) > headerGrace {
		t.Errorf("the idle connection ends with %q, %v after %v", rest, err, time.Since(begin))
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
	s, addr := serving(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	fmt.Fprint(dialTo(t, addr), "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-time.After(50 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := s.drain(ctx); err == nil {
		t.Error("no error, though a request was cut off")
	}
}
