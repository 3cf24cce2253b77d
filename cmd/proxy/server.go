package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"dvproxy/internal/forward"
	"dvproxy/internal/listen"
)

const (
	headerLimit = time.Minute      // for a client to send a request's header
	idleLimit   = 10 * time.Minute // of a client's connection: old ones do not expect its end
	drainGrace  = 40 * time.Millisecond
	headerGrace = time.Second // for the rest of a header, while draining
	// For all uploads on one HTTP/2 connection. The default is that of a single
	// one, so that one that Dataverse is slow to take would stall the others.
	uploadBuffer = 8 << 20
)

// A server is an http.Server on one endpoint, that can leave without losing a
// request. What it serves can change under its connections.
type server struct {
	http     *http.Server
	endpoint *listen.Endpoint
	place    place
	stage    atomic.Pointer[stage]
	draining atomic.Bool
	closed   chan struct{} // closed once nobody listens any more
	grace    time.Duration // for what is on its way when draining begins

	mu      sync.Mutex            // guards waiting
	waiting map[net.Conn]struct{} // connections that wait for a request, the first or the next
}

// newServer returns a server that has nothing to serve yet.
func newServer(at place, endpoint *listen.Endpoint, log *slog.Logger) *server {
	s := &server{endpoint: endpoint, place: at, closed: make(chan struct{}), grace: drainGrace, waiting: map[net.Conn]struct{}{}}
	s.http = &http.Server{
		Handler:                      s,
		ReadHeaderTimeout:            headerLimit,
		IdleTimeout:                  idleLimit,
		ConnContext:                  forward.ConnContext,
		ConnState:                    s.track,
		DisableGeneralOptionsHandler: true,
		TLSConfig:                    endpoint.TLS,
		HTTP2:                        &http.HTTP2Config{MaxReceiveBufferPerConnection: uploadBuffer},
		ErrorLog:                     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s
}

// serve serves until drain. It returns an error if a listener fails.
func (s *server) serve() error {
	defer close(s.closed)
	failed := make(chan error, len(s.endpoint.Listeners))
	for _, l := range s.endpoint.Listeners {
		go func() {
			if s.endpoint.TLS != nil {
				failed <- s.http.ServeTLS(hearing{l}, "", "")
			} else {
				failed <- s.http.Serve(hearing{l})
			}
		}()
	}
	for range s.endpoint.Listeners {
		if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
	}
	return nil
}

// ServeHTTP serves what there is to serve at the time. While draining it tells
// clients that their connection ends with the answer.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		w.Header().Set("Connection", "close")
	}
	for !s.stage.Load().serve(w, r) { // left just now, so there is another
	}
}

func (s *server) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, plain := c.(*heard)
	switch {
	case state == http.StateNew:
		s.waiting[c] = struct{}{}
	case state == http.StateIdle && plain:
		h.any.Store(false)
		s.waiting[c] = struct{}{}
	default:
		delete(s.waiting, c)
	}
}

// drain stops accepting and lets what is in flight finish, until ctx ends. The
// error says that something was cut off.
func (s *server) drain(ctx context.Context) error {
	s.draining.Store(true)
	// A request whose header is on its way when the server shuts down would be
	// dropped unanswered, and so would a connection that is in the backlog.
	pause(ctx, s.grace)
	for waited := s.grace; s.closeWaiting() && waited < headerGrace; waited += drainGrace {
		pause(ctx, drainGrace)
	}
	return s.shutDown(ctx)
}

// leave is a drain that gives nobody any time but to read an answer.
func (s *server) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainGrace)
	defer cancel()
	s.closeWaiting()
	_ = s.shutDown(ctx)
}

func (s *server) shutDown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	return err
}

// closeWaiting closes the connections on which nothing was heard, and says
// whether there are others that wait for a request: its header is on its way.
// Shutdown would wait for those that are new, and not for the others.
func (s *server) closeWaiting() (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.waiting {
		if h := heardOf(c); h != nil && h.any.Load() {
			more = true
		} else {
			_ = c.Close()
		}
	}
	return more
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
