package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dvproxy/internal/config"
)

func TestLogFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dvproxy.log")
	var stderr bytes.Buffer
	log, closeLog, err := openLog(&stderr, config.Log{Level: "info", File: path})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("hello")
	closeLog()
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasPrefix(string(text), "{") || !strings.Contains(string(text), `"msg":"hello"`) || stderr.Len() > 0 {
		t.Errorf("in the file %q, %v; on standard error %q", text, err, &stderr)
	}
	_, _, err = openLog(&stderr, config.Log{File: filepath.Join(path, "below a file")})
	if !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), "log.file") {
		t.Errorf("a file that cannot be: %v, want an error of usage that names log.file", err)
	}
}
