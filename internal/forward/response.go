package forward

import (
	"context"
	"net/http"
)

// A responseWriter is what the client is answered through: names respelt,
// nothing invented, and a note of what was sent.
type responseWriter struct {
	http.ResponseWriter
	http10   bool            // the client speaks HTTP/1.0
	draining context.Context // once it is done, the connection ends with the answer
	body     *keeper         // of a request whose connection is to close unless all of it was read; else nil
	status   int             // 0 until the final header was written
}

// WriteHeader sends the header. An HTTP/1.0 client is spared the 1xx ones,
// which it would take for the answer; any client upstream's 100, since net/http
// sends its own once the body is read.
func (w *responseWriter) WriteHeader(status int) {
	informational := status < 200 && status != http.StatusSwitchingProtocols
	if informational && (w.http10 || status == http.StatusContinue) {
		return
	}
	h := w.Header()
	respell(h)
	if !informational && w.status == 0 {
		w.status = status
		if w.draining.Err() != nil || w.body != nil && !w.body.ended() {
			// In full duplex, net/http would confuse what is left of this
			// request's body with the next request.
			h.Set("Connection", "close")
		}
		for _, name := range []string{"Date", "Content-Type"} {
			if _, ok := h[name]; !ok {
				h[name] = nil // keeps net/http from inventing one
			}
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (w *responseWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
