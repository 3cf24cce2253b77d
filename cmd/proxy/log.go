package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"dvproxy/internal/config"
	"dvproxy/internal/logfile"
)

// A logger is one whose level can be changed.
type logger struct {
	*slog.Logger
	level *slog.LevelVar
}

// openLog opens the log that the configuration describes, on stderr or in a
// file. The error is one of usage: a restart would not mend it.
func openLog(stderr io.Writer, c config.Log) (log logger, closeLog func(), err error) {
	if c.File == "" {
		return newLogger(stderr, c), func() {}, nil
	}
	f, err := logfile.Open(c.File, logfile.Options{Instead: stderr})
	if err != nil {
		return logger{}, nil, usageError{fmt.Errorf("log.file cannot be used, and nothing was started: %w", err)}
	}
	return newLogger(f, c), func() { _ = f.Close() }, nil
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
