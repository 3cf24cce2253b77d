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
// request.
type server struct {
	http     *http.Server
	endpoint *listen.Endpoint
	draining atomic.Bool

	mu     sync.Mutex            // guards unused
	unused map[net.Conn]struct{} // connections that have carried no request yet
}

func newServer(h http.Handler, endpoint *listen.Endpoint, log *slog.Logger) *server {
	s := &server{endpoint: endpoint, unused: map[net.Conn]struct{}{}}
	s.http = &http.Server{
		Handler:                      s.closing(h),
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
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// closing tells clients, while draining, that their connection ends with the
// answer.
func (s *server) closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.unused[c] = struct{}{}
	} else {
		delete(s.unused, c)
	}
}

// drain stops accepting and lets what is in flight finish, until ctx ends. The
// error says that something was cut off.
func (s *server) drain(ctx context.Context) error {
	s.draining.Store(true)
	// A request whose header is on its way when the server shuts down would be
	// dropped unanswered, and so would a connection that is in the backlog.
	pause(ctx, drainGrace)
	for waited := drainGrace; s.closeUnused() && waited < headerGrace; waited += drainGrace {
		pause(ctx, drainGrace)
	}
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	return err
}

// closeUnused closes the connections on which nothing was heard, which Shutdown
// would wait for, and says whether there are others that carried no request
// yet: its header is on its way.
func (s *server) closeUnused() (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.unused {
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
