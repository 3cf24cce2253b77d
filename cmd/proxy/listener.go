package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"dvproxy/internal/config"
	"dvproxy/internal/guard"
	"dvproxy/internal/listen"
)

// openCA opens the local CA of all environments that want one; nil if none does.
func openCA(c *config.Config, log *slog.Logger) (*listen.CA, error) {
	var names []string
	wanted := false
	for _, e := range c.Environments {
		if e.TLS.SelfSigned {
			wanted = true
			names = append(names, namesOf(e)...)
		}
	}
	if !wanted {
		return nil, nil
	}
	ca, err := listen.OpenCA(filepath.Join(c.StateDir, "tls"), names)
	if err != nil {
		return nil, fmt.Errorf("tls.self_signed: %w", err)
	}
	log.Info("clients have to trust the local CA", slog.String("file", ca.File()))
	return ca, nil
}

// A place is where a server listens, as the configuration has it.
type place struct {
	address string // as written
	name    string // of the environment, where each takes a free port of its own
	mode    config.Mode
	group   string
}

func placeOf(c config.Environment) place {
	p := place{address: c.Listen}
	switch {
	case isSocket(c.Listen):
		p.mode, p.group = c.SocketMode, c.SocketGroup
	case strings.HasSuffix(c.Listen, ":0"):
		p.name = c.Name
	}
	return p
}

func isSocket(address string) bool { return strings.HasPrefix(address, "unix:") }

// openEnvironment opens an environment's listener, or takes the one that is open
// already.
func (s *service) openEnvironment(ctx context.Context, e *environment, ca *listen.CA) (err error) {
	c := e.config
	switch {
	case c.TLS.SelfSigned:
		names := namesOf(c)
		if others := ca.Uncovered(names); len(others) > 0 {
			e.log.Warn("the local CA was made before these names were set, so clients cannot use them; for one that covers them, delete its folder, restart, and let clients trust it",
				slog.Any("names", others), slog.String("file", ca.File()))
		}
		e.certificates = ca.Certificates(names)
	case c.TLS.On():
		if e.certificates, err = listen.Files(c.TLS.CertFile, c.TLS.KeyFile, e.log); err != nil {
			return err
		}
	}
	e.server, err = s.open(ctx, placeOf(c), e.certificates, e.log)
	return err
}

// open returns the server that there is at a place already, or one on a listener
// that it opens.
func (s *service) open(ctx context.Context, at place, certificates listen.Certificates, log *slog.Logger) (*server, error) {
	for _, present := range s.servers() {
		switch {
		case present.place == at && (present.endpoint.TLS != nil) == (certificates != nil):
			return present, nil
		case isSocket(at.address) && present.place.address == at.address && present.place != at:
			return nil, fmt.Errorf("%s: socket_mode and socket_group of a socket that stays cannot be changed while dvproxy runs; restart it", at.address)
		case present.place == at:
			return nil, fmt.Errorf("%s: TLS cannot be switched on or off while dvproxy runs; restart it, or give the environment another address", at.address)
		}
	}
	endpoint, err := listen.Open(ctx, at.address, listen.Options{Certificates: certificates, SocketMode: fs.FileMode(at.mode), SocketGroup: at.group})
	if err == nil {
		return newServer(at, endpoint, log), nil
	}
	for _, present := range s.servers() {
		if present.isInTheWayOf(at) {
			return nil, fmt.Errorf("%s: dvproxy itself listens on %s, and a change from that to this needs a restart", at.address, present.place.address)
		}
	}
	return nil, err
}

// isInTheWayOf says whether a server may be what keeps a place from being opened.
func (s *server) isInTheWayOf(at place) bool {
	if isSocket(at.address) {
		return at.address == s.place.address
	}
	_, port, _ := net.SplitHostPort(at.address)
	return port == s.endpoint.Port
}

// namesOf are the names by which clients may call an environment's listener,
// beside those of this machine's loopback addresses.
func namesOf(c config.Environment) []string {
	var names []string
	add := func(host string) {
		if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) {
			names = append(names, host)
		}
	}
	entries := slices.Clone(c.Guard.AllowedHosts)
	if !isSocket(c.Listen) {
		entries = append(entries, c.Listen)
	}
	for _, entry := range entries {
		host, _, err := net.SplitHostPort(entry)
		if err != nil { // no port
			host = entry
		}
		add(host)
	}
	if u, err := url.Parse(c.PublicURL); err == nil {
		add(u.Hostname())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// hostsOf are what a Host header may say at an environment's listener.
func hostsOf(c config.Environment, endpoint *listen.Endpoint) []string {
	port, tls := endpoint.Port, endpoint.TLS != nil
	switch { // at a Unix socket names have no port
	case endpoint.Socket != "" && tls:
		port = "443"
	case endpoint.Socket != "":
		port = "80"
	}
	return append(guard.Hosts(endpoint.Host, port, tls, c.Guard.AllowedHosts), publicHosts(c.PublicURL)...)
}

// asLocalhost takes any Host for localhost. At a Unix socket clients say what
// they like there, or nothing (RFC 9112 3.2), and no browser gets there whose
// names would have to be told apart. Links in answers lead to localhost then,
// or to public_url.
func asLocalhost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "localhost"
		next.ServeHTTP(w, r)
	})
}

// address is where clients connect to.
func (e *environment) address() string {
	if socket := e.server.endpoint.Socket; socket != "" {
		return "unix:" + socket
	}
	return e.origin()
}

// announce tells where the environment is to be had.
func (e *environment) announce() {
	e.log.Info("listening", slog.String("origin", e.origin()), slog.String("address", e.address()), slog.String("url", e.config.URL))
}

// warnOpen tells by whom.
func (e *environment) warnOpen() {
	e.log.Warn("every account on this machine that reaches the listener acts as the application", slog.String("origin", e.origin()))
}

// isOpen says whether other accounts of the machine may use a listener.
func isOpen(c config.Environment) bool {
	const othersWrite = 0o002
	return len(c.Clients) == 0 && (!isSocket(c.Listen) || c.SocketMode&othersWrite != 0)
}
