package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"time"
)

const (
	serviceEntra     = "entra"
	serviceDataverse = "dataverse"
)

// observe records each request as it arrived and how it was answered, whatever
// becomes of it in between.
func (t *Tenant) observe(service string, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		rec := Request{
			Time: start, Service: service, Method: r.Method, RequestURI: r.RequestURI,
			Proto: r.Proto, Host: r.Host, RemoteAddr: r.RemoteAddr,
			Header: r.Header.Clone(), RawHead: rawHead(r), ContentLength: r.ContentLength,
		}
		body := &hashedBody{ReadCloser: r.Body, hash: sha256.New()}
		r.Body = body
		aw := &statusWriter{ResponseWriter: w}
		defer func() {
			rec.Status = aw.status
			rec.BodyLength, rec.BodyComplete = body.length, body.complete
			rec.BodySHA256 = hex.EncodeToString(body.hash.Sum(nil))
			rec.Trailer = r.Trailer.Clone()
			t.recent.add(rec)
			t.opts.Logger.Debug("request", slog.String("service", service), slog.String("method", r.Method),
				slog.Int("status", aw.status), slog.Duration("duration", time.Since(start)))
		}()
		next(aw, r)
		if aw.status == 0 && !aw.hijacked {
			aw.status = http.StatusOK // what net/http sends for a handler that wrote nothing
		}
	})
}

// hashedBody hashes what the handler reads of a request's body.
type hashedBody struct {
	io.ReadCloser
	hash     hash.Hash
	length   int64
	complete bool
}

func (b *hashedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.hash.Write(p[:n])
	b.length += int64(n)
	b.complete = b.complete || errors.Is(err, io.EOF)
	return n, err
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status   int
	hijacked bool
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
