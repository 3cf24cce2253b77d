package main

import (
	"log/slog"
	"time"

	"dvproxy/internal/tokencache"
)

// usesNext tells when the next client secret takes over from the current one.
func usesNext(s source, log *slog.Logger) func(tokencache.Renewal) {
	var used bool
	return func(tokencache.Renewal) {
		next, ok := s.(interface{ UsesNext() bool })
		if !ok || next.UsesNext() == used {
			return
		}
		if used = !used; used {
			log.Warn("the current client secret is refused, and the next one is in use; make it the current one")
		}
	}
}

// A certificateWatch warns of a certificate that ends soon, once a day.
type certificateWatch struct {
	expires func() time.Time
	log     *slog.Logger
	warned  time.Time
}

// look is called after each fetch of a token, which has read the certificate.
func (w *certificateWatch) look(tokencache.Renewal) {
	const soon, again = 30 * 24 * time.Hour, 24 * time.Hour
	at := w.expires()
	if at.IsZero() || time.Until(at) > soon || time.Since(w.warned) < again {
		return
	}
	w.warned = time.Now()
	w.log.Warn("the certificate that dvproxy signs in with expires soon; register a new one with the application, then replace the file",
		slog.Time("expires", at), slog.Int("days_left", max(0, int(time.Until(at)/again))))
}
