package forward_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

// trusting returns a transport that trusts a test server.
func trusting(s *httptest.Server) *http.Transport {
	transport := forward.NewTransport(5*time.Second, 5*time.Second)
	transport.TLSClientConfig.RootCAs = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return transport
}

func TestUploadOverA401OverHTTP2(t *testing.T) {
	for _, size := range []int{100, 3 << 20} {
		for _, read := range []int64{0, 50} {
			t.Run(fmt.Sprintf("%d bytes, after %d", size, read), func(t *testing.T) {
				var executed atomic.Int32
				body := bytes.Repeat([]byte("x"), size)
				want := fmt.Sprintf("HTTP/2.0 %x", sha256.Sum256(body))
				upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Authorization") == "Bearer t1" {
						_, _ = io.CopyN(io.Discard, r.Body, read)
						bearer(w, "")
						return
					}
					hash := sha256.New()
					if _, err := io.Copy(hash, r.Body); err == nil {
						executed.Add(1)
					}
					fmt.Fprintf(w, "%s %x", r.Proto, hash.Sum(nil))
				}))
				upstream.EnableHTTP2 = true
				upstream.StartTLS()
				defer upstream.Close()
				r := newRigTo(t, upstream.URL, trusting(upstream), &fakeTokens{}, forward.Options{})
				resp, got := r.do(t, "POST", "/x", io.MultiReader(bytes.NewReader(body)))
				if resp.StatusCode != 200 || got != want || executed.Load() != 1 {
					t.Errorf("answered %d %.200s, executed %d times", resp.StatusCode, got, executed.Load())
				}
			})
		}
	}
}

// frame is an HTTP/2 frame (RFC 9113 4.1).
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[5:], stream)
	return append(b, payload...)
}

const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway = 0, 1, 3, 4, 7
	flagEnd, flagAck                                                = 1, 1
	flagHeaderEnd                                                   = 4
)

// rawHTTP2 speaks just enough HTTP/2 to answer whole requests with frames.
func rawHTTP2(t *testing.T, answer func(conn net.Conn, stream uint32)) (url string, transport *http.Transport) {
	t.Helper()
	model := httptest.NewUnstartedServer(nil) // for its certificate
	model.StartTLS()
	t.Cleanup(model.Close)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: model.TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go speakHTTP2(conn, answer)
		}
	}()
	return "https://" + l.Addr().String(), trusting(model)
}

func speakHTTP2(conn net.Conn, answer func(net.Conn, uint32)) {
	defer conn.Close()
	const preface = 24
	_, _ = io.CopyN(io.Discard, conn, preface)
	_, _ = conn.Write(frame(frameSettings, 0, 0, nil))
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, conn, int64(head[0])<<16|int64(head[1])<<8|int64(head[2]))
		kind, flags := head[3], head[4]
		switch {
		case kind == frameSettings && flags&flagAck == 0:
			_, _ = conn.Write(frame(frameSettings, flagAck, 0, nil))
		case (kind == frameData || kind == frameHeaders) && flags&flagEnd != 0:
			answer(conn, binary.BigEndian.Uint32(head[5:])&0x7fffffff)
		}
	}
}

// What HTTP/2 upstreams do instead of answering, and whether the request may
// be sent again.
func TestStreamsThatAreNotAnswered(t *testing.T) {
	reset := func(code byte) func(net.Conn, uint32) {
		return func(c net.Conn, s uint32) { _, _ = c.Write(frame(frameReset, 0, s, []byte{0, 0, 0, code})) }
	}
	goAway := func(c net.Conn, _ uint32) { _, _ = c.Write(frame(frameGoAway, 0, 0, make([]byte, 8))) }
	const protocolError, internalError, refusedStream = 1, 2, 7
	tests := []struct {
		name, method, body string
		first              func(net.Conn, uint32)
		want               int
		sent               int32
	}{
		{"refused, POST", "POST", "hello", reset(refusedStream), 200, 2},
		{"refused, GET", "GET", "", reset(refusedStream), 200, 2},
		{"going away, POST", "POST", "hello", goAway, 200, 2},
		{"protocol error, POST", "POST", "hello", reset(protocolError), 502, 1},
		{"protocol error, POST without a body", "POST", "", reset(protocolError), 502, 1},
		{"protocol error, DELETE", "DELETE", "", reset(protocolError), 502, 1},
		{"internal error, DELETE", "DELETE", "", reset(internalError), 502, 1},
		{"internal error, GET", "GET", "", reset(internalError), 200, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // they wait
			var sent atomic.Int32
			url, transport := rawHTTP2(t, func(c net.Conn, stream uint32) {
				if sent.Add(1) == 1 {
					tt.first(c, stream)
					return
				}
				const status200 = 0x88
				_, _ = c.Write(frame(frameHeaders, flagEnd|flagHeaderEnd, stream, []byte{status200}))
			})
			r := newRigTo(t, url, transport, &fakeTokens{}, forward.Options{MaxWait: 10 * time.Second})
			var body io.Reader
			if tt.body != "" {
				body = strings.NewReader(tt.body)
			}
			resp, answer := r.do(t, tt.method, "/x", body)
			if resp.StatusCode != tt.want || sent.Load() != tt.sent {
				t.Errorf("answered %d %s, sent %d times; want %d and %d", resp.StatusCode, answer, sent.Load(), tt.want, tt.sent)
			}
		})
	}
}
