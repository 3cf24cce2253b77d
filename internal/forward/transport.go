package forward

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	idlePerHost = 256              // the default of 2 costs several times the CPU under load
	idleLimit   = 45 * time.Second // well under that of upstream, so that it rarely closes first
	keepAlive   = 15 * time.Second // TCP probes
	pingAfter   = 15 * time.Second // of silence on an HTTP/2 connection
	pingLimit   = 10 * time.Second
	expectLimit = time.Second // for a 100 Continue, before the body is sent anyway
)

// NewTransport returns a transport for the upstream: HTTP/1.1 and HTTP/2 over
// TLS 1.2 or later, through HTTPS_PROXY if that is set. Connect bounds dialling
// and the TLS handshake, each; header bounds the wait for an answer.
func NewTransport(connect, header time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: connect, KeepAlive: keepAlive}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dial(dialer.DialContext).counted,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   connect,
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingLimit},
		MaxIdleConnsPerHost:   idlePerHost,
		IdleConnTimeout:       idleLimit,
		ResponseHeaderTimeout: header,
		ExpectContinueTimeout: expectLimit,
		DisableCompression:    true, // encodings are between client and upstream
	}
}
