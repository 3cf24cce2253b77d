package forward

import (
	"log/slog"
	"net/http"
	"time"
)

// logRequest writes the one line of a request. It holds nothing of its query,
// its bodies and its credentials.
func (p *Proxy) logRequest(r *http.Request, x *exchange, w *responseWriter, took time.Duration, completed bool) {
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs,
		slog.String("method", r.Method),
		slog.String("path", elided(r.RequestURI)),
		slog.Int("status", w.status),
		slog.Duration("duration", took),
		slog.Int("attempts", x.attempts))
	if id := r.Header.Get("X-Ms-Client-Request-Id"); id != "" {
		attrs = append(attrs, slog.String("client_request_id", clip(id)))
	}
	if id := w.Header()["x-ms-service-request-id"]; len(id) > 0 {
		attrs = append(attrs, slog.String("service_request_id", clip(id[0])))
	}
	level := slog.LevelInfo
	if problem := x.problem; problem != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("code", "dvproxy."+problem.Code), slog.String("message", problem.Message))
	}
	if !completed {
		attrs = append(attrs, slog.Bool("broken_off", true))
	}
	p.log.LogAttrs(r.Context(), level, "request", attrs...)
}

// clip bounds what is logged of a header's value.
func clip(s string) string { return s[:min(len(s), 64)] }
