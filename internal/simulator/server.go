package simulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// ListenOptions says where a tenant listens.
type ListenOptions struct {
	// Entra, Dataverse, Graph and Control are host:port. Empty means a free port on
	// 127.0.0.1.
	Entra, Dataverse, Graph, Control string

	// TLS, if set, makes all but Control speak https, HTTP/2 included.
	TLS *tls.Config
}

// Server is a tenant that listens.
type Server struct {
	*Tenant
	EntraURL, DataverseURL, GraphURL, ControlURL string // origins

	servers []*http.Server
	failed  chan error
	once    sync.Once
}

// Start makes a tenant and lets it listen on free loopback ports.
func Start(opts Options) (*Server, error) { return New(opts).Listen(ListenOptions{}) }

// Listen serves Entra, Dataverse, Graph and the control endpoint, each on a listener
// of its own, until Close. Unless the options said otherwise, the environment
// is where it listens and challenges point at this Entra.
func (t *Tenant) Listen(lo ListenOptions) (*Server, error) {
	s := &Server{Tenant: t, failed: make(chan error, 4)}
	for _, one := range []struct {
		address string
		tls     *tls.Config
		handler http.Handler
		url     *string
	}{
		{lo.Entra, lo.TLS, t.Entra(), &s.EntraURL},
		{lo.Dataverse, lo.TLS, t.Dataverse(), &s.DataverseURL},
		{lo.Graph, lo.TLS, t.Graph(), &s.GraphURL},
		{lo.Control, nil, t.Control(), &s.ControlURL},
	} {
		url, err := s.listen(one.address, one.tls, one.handler)
		if err != nil {
			s.Close()
			return nil, err
		}
		*one.url = url
	}
	t.learn(s.EntraURL, s.DataverseURL, s.GraphURL)
	return s, nil
}

func (s *Server) listen(address string, config *tls.Config, handler http.Handler) (string, error) {
	setDefault(&address, "127.0.0.1:0")
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return "", fmt.Errorf("listen on %s: %w", address, err)
	}
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: time.Minute, ConnContext: keepHeads,
		ErrorLog: log.New(io.Discard, "", 0), DisableGeneralOptionsHandler: true,
	}
	host, _, _ := net.SplitHostPort(address) // net.Listen took it
	scheme, serve := "http", func() error { return srv.Serve(headListener{ln}) }
	if config != nil {
		srv.TLSConfig = config.Clone()
		scheme, serve = "https", func() error { return srv.ServeTLS(ln, "", "") }
	}
	s.servers = append(s.servers, srv)
	go func() {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return scheme + "://" + net.JoinHostPort(localName(host), portOf(ln.Addr())), nil
}

// localName is a name by which this machine reaches a listener on host.
func localName(host string) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return "127.0.0.1"
	}
	return host
}

func portOf(addr net.Addr) string {
	_, port, _ := net.SplitHostPort(addr.String()) // a TCP address
	return port
}

// learn takes note of where the tenant came to listen.
func (t *Tenant) learn(entra, dataverse, graph string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.graphOrigin = originOf(graph)
	if t.opts.Authority == "" {
		t.authority = entra
	}
	scheme, port := "http", hostOf(dataverse)
	if len(dataverse) > 5 && dataverse[4] == 's' {
		scheme = "https"
	}
	_, port, _ = net.SplitHostPort(port)
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]"} {
		t.learned = append(t.learned, scheme+"://"+host+":"+port)
	}
	t.learned = append(t.learned, originOf(dataverse))
}

// Wait blocks until ctx is done, and returns nil, or until a listener fails.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// Close ends the listeners and every connection, requests that hang included.
func (s *Server) Close() {
	s.once.Do(func() {
		for _, srv := range s.servers {
			srv.Close()
		}
		s.ClearEntraFaults()
		s.ClearDataverseFaults()
		s.ClearGraphFaults()
	})
}
