package main

import (
	"io"
	"log/slog"
	"os"

	"dvproxy/internal/config"
)

// A logger is one whose level can be changed.
type logger struct {
	*slog.Logger
	level *slog.LevelVar
}

// newLogger writes to w in the configured form: text to a terminal and JSON
// elsewhere, if none is named.
func newLogger(w io.Writer, c config.Log) logger {
	level := new(slog.LevelVar)
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	l := logger{slog.New(slog.NewTextHandler(w, options)), level}
	if c.Format == "json" || (c.Format == "" && !isTerminal(w)) {
		l.Logger = slog.New(slog.NewJSONHandler(w, options))
	}
	l.setLevel(c)
	return l
}

func (l logger) setLevel(c config.Log) {
	_ = l.level.UnmarshalText([]byte(c.Level)) // was checked with the configuration
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// readable writes durations as text ("1.5ms") in JSON too, where they would be
// bare counts of nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}
