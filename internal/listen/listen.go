// Package listen opens what one listen address stands for: a TCP address, the
// two loopback addresses of localhost, or a Unix socket; with TLS or without.
//
// A Unix socket is made where nobody else can open it, and moved to its place
// once it has its permissions. One that another process left behind is
// replaced, one that answers is not, and nothing that is no socket ever is.
//
// A certificate comes from two files, which are read again while clients come
// ([Files]), or from a CA of this machine's own, which clients have to be told
// to trust ([OpenCA]).
package listen

import (
	"context"
	"crypto/tls"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"sync/atomic"
)

// Certificates give the certificate for a handshake, as
// tls.Config.GetCertificate does.
type Certificates func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// Options say how an address is opened. The zero value is a plain listener.
type Options struct {
	Certificates Certificates // nil: no TLS
	SocketMode   fs.FileMode  // permissions of a Unix socket; default 0600; not on Windows
	SocketGroup  string       // of a Unix socket, by name or number; default: the process's; not on Windows
}

// An Endpoint is one address, open.
type Endpoint struct {
	Listeners []net.Listener
	TLS       *tls.Config // for http.Server.ServeTLS; nil: plain HTTP
	Host      string      // of the address, as written but for a zone; empty for a Unix socket
	Port      string      // that the listeners have in common; empty for a Unix socket
	Socket    string      // path of the Unix socket; empty for TCP

	certificates atomic.Pointer[Certificates]
}

// Open opens an address: host:port, where localhost is both loopback addresses
// and port 0 a free port, or unix: and an absolute path. The error says what is
// in the way and what to do.
func Open(ctx context.Context, address string, o Options) (*Endpoint, error) {
	e := &Endpoint{}
	if o.Certificates != nil {
		e.UseCertificates(o.Certificates)
		e.TLS = &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return (*e.certificates.Load())(hello) },
			NextProtos:     []string{"h2", "http/1.1", "http/1.0"}, // net/http would refuse who names the last alone
		}
	}
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		l, err := openSocket(ctx, path, o)
		if err != nil {
			return nil, fmt.Errorf("cannot listen on the Unix socket %s: %w", path, err)
		}
		e.Listeners, e.Socket = []net.Listener{l}, path
		return e, nil
	}
	listeners, err := openTCP(ctx, address)
	if err != nil {
		return nil, err
	}
	e.Listeners = listeners
	host, _, _ := net.SplitHostPort(address) // was opened
	e.Host, _, _ = strings.Cut(host, "%")    // no Host and no link names a zone (RFC 6874 1)
	_, e.Port, _ = net.SplitHostPort(listeners[0].Addr().String())
	return e, nil
}

// Origin is what clients on this machine call the endpoint: localhost where
// the address is that of all interfaces or of a Unix socket.
func (e *Endpoint) Origin() string {
	scheme := "http://"
	if e.TLS != nil {
		scheme = "https://"
	}
	if e.Socket != "" {
		return scheme + "localhost"
	}
	host := e.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + net.JoinHostPort(host, e.Port)
}

// UseCertificates has handshakes from now on take their certificate there. It is
// for an endpoint that was opened with TLS.
func (e *Endpoint) UseCertificates(c Certificates) { e.certificates.Store(&c) }

// Close closes an endpoint that nothing serves.
func (e *Endpoint) Close() {
	for _, l := range e.Listeners {
		_ = l.Close()
	}
}
