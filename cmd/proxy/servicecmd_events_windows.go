package main

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"

	"dvproxy/internal/supervisor"
)

// events is the Windows event log, if it can be had. It is small, and shared with
// all other programs, so nothing goes there more often than every few minutes.
type events struct {
	log *supervisor.EventLog // may be nil

	mu     sync.Mutex // guards latest
	latest map[string]time.Time
}

const betweenEvents = 5 * time.Minute // of one kind

func openEvents() *events {
	log, err := supervisor.OpenEventLog(serviceName)
	if err != nil { // then the log file is all there is
		log = nil
	}
	return &events{log: log, latest: map[string]time.Time{}}
}

func (e *events) close() {
	if e.log != nil {
		_ = e.log.Close()
	}
}

func (e *events) write(s supervisor.Severity, text string) {
	if e.log != nil {
		_ = e.log.Write(s, text)
	}
}

// isDue says whether it is time for another event of a kind, of which there are
// few.
func (e *events) isDue(kind string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last, ok := e.latest[kind]; ok && time.Since(last) < betweenEvents {
		return false
	}
	e.latest[kind] = time.Now()
	return true
}

// Write is given the lines that cannot be written to the log file.
func (e *events) Write(line []byte) (int, error) {
	if e.isDue("log file") {
		e.write(supervisor.Warning, "The log file cannot be written. Lines such as this are lost:\n\n"+string(line))
	}
	return len(line), nil
}

// with is a log whose warnings and errors are events too, but for those about
// single requests.
func (e *events) with(log *slog.Logger) *slog.Logger {
	return slog.New(slog.NewMultiHandler(log.Handler(), eventHandler{events: e}))
}

type eventHandler struct {
	events *events
	made   []func(slog.Handler) slog.Handler // by WithAttrs and WithGroup
}

// Enabled implements [slog.Handler].
func (eventHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

// WithAttrs implements [slog.Handler].
func (h eventHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return h.with(func(in slog.Handler) slog.Handler { return in.WithAttrs(attrs) })
}

// WithGroup implements [slog.Handler].
func (h eventHandler) WithGroup(name string) slog.Handler {
	return h.with(func(in slog.Handler) slog.Handler { return in.WithGroup(name) })
}

func (h eventHandler) with(f func(slog.Handler) slog.Handler) eventHandler {
	return eventHandler{h.events, append(h.made[:len(h.made):len(h.made)], f)}
}

// Handle implements [slog.Handler]. The event is the message, and what belongs to
// it as the text log shows it.
func (h eventHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "request" || r.Message == "request refused" || !h.events.isDue(r.Message) {
		return nil
	}
	severity := supervisor.Warning
	if r.Level >= slog.LevelError {
		severity = supervisor.Error
	}
	var b bytes.Buffer
	var text slog.Handler = slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: withoutHead})
	for _, f := range h.made {
		text = f(text)
	}
	if err := text.Handle(ctx, r); err != nil {
		return err
	}
	h.events.write(severity, r.Message+"\n\n"+b.String())
	return nil
}

// withoutHead leaves out what an event has by itself.
func withoutHead(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return readable(groups, a)
}
