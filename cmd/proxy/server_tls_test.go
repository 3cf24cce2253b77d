package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/listen"
)

// servingTLS is serving with HTTPS, and what a client needs to trust it.
func servingTLS(t *testing.T, h http.HandlerFunc) (s *server, config *tls.Config) {
	t.Helper()
	ca, err := listen.OpenCA(t.TempDir()+"/tls", nil)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := listen.Open(t.Context(), "127.0.0.1:0", listen.Options{Certificates: ca.Certificates(nil)})
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(ca.File())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	s = newServer(place{}, endpoint, slog.New(slog.DiscardHandler))
	s.stage.Store(&stage{handler: h})
	go func() { _ = s.serve() }()
	t.Cleanup(func() { _ = s.http.Close() })
	return s, &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

func TestDrainWaitsForAHeaderOverTLS(t *testing.T) {
	s, config := servingTLS(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
	addr := s.endpoint.Listeners[0].Addr().String()
	drainWaits(t, s, dialTo(t, addr), tls.Client(dialTo(t, addr), config)) // one without a handshake
}

// What is in flight over HTTP/2 is answered, and the client told to go elsewhere.
func TestDrainOverHTTP2(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	s, config := servingTLS(t, func(w http.ResponseWriter, r *http.Request) {
		close(started)
		<-finish
		fmt.Fprint(w, r.Proto)
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}}
	answered := make(chan string)
	go func() {
		resp, err := client.Get(s.endpoint.Origin())
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		answered <- fmt.Sprint(string(body), resp.Header["Connection"], err)
	}()
	<-started
	drained := make(chan error)
	go func() { drained <- s.drain(t.Context()) }()
	<-time.After(200 * time.Millisecond) // drained but for this one
	close(finish)
	if got := <-answered; got != "HTTP/2.0[] <nil>" {
		t.Errorf("answered %s", got)
	}
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
	if _, err := client.Get(s.endpoint.Origin()); err == nil {
		t.Error("a request is taken after the end")
	}
}

// A client that speaks plain HTTP is told so.
func TestPlainHTTPToTLS(t *testing.T) {
	s, _ := servingTLS(t, func(http.ResponseWriter, *http.Request) { t.Error("it is served") })
	conn := dialTo(t, s.endpoint.Listeners[0].Addr().String())
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	answer, _ := io.ReadAll(conn)
	if !strings.HasPrefix(string(answer), "HTTP/1.0 400") || !strings.Contains(string(answer), "HTTPS") {
		t.Errorf("answered %q", answer)
	}
}
