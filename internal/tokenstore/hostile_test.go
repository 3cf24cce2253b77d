package tokenstore_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

const onUnix = runtime.GOOS != "windows"

// Whatever is in an entry's place is not used, costs one warning, and is
// replaced by the next token.
func TestFilesThatAreNoEntries(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"empty":            func([]byte) []byte { return nil },
		"half a header":    func(b []byte) []byte { return b[:20] },
		"a header":         func(b []byte) []byte { return b[:48] },
		"cut":              func(b []byte) []byte { return b[:len(b)-1] },
		"longer":           func(b []byte) []byte { return append(b, 0) },
		"zeros":            func(b []byte) []byte { return make([]byte, len(b)) },
		"another version":  func(b []byte) []byte { b[7]++; return b },
		"another expiry":   func(b []byte) []byte { binary.BigEndian.PutUint64(b[8:], 1<<40); return b },
		"another salt":     func(b []byte) []byte { b[20] ^= 1; return b },
		"another nonce":    func(b []byte) []byte { b[50] ^= 1; return b },
		"another text":     func(b []byte) []byte { b[70] ^= 1; return b },
		"another tag":      func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"huge":             func(b []byte) []byte { return append(b, make([]byte, 64<<20)...) },
		"an entry, thrice": func(b []byte) []byte { return bytes.Repeat(b, 3) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			s := d.store("s")
			s.Save(entry("t"))
			path := d.file()
			d.write(path, change(d.read(path)), 0o600)
			d.wants(s, "", "changed")
			d.warnings(1, path)
			s.Save(entry("next"))
			d.wants(s, "next", "replaced")
			d.warnings(1, path)
			d.file()
		})
	}
}

// A header that is not vouched for decides on nothing but when it is cleaned up.
func TestPrune(t *testing.T) {
	now := time.Now()
	header := func(expires time.Time) []byte {
		return append(binary.BigEndian.AppendUint64([]byte("dvptok\x00\x01"), uint64(expires.Unix())), make([]byte, 100)...)
	}
	for name, tt := range map[string]struct {
		file     string
		data     []byte
		age      time.Duration // of the file
		wantGone bool
	}{
		"alive":                   {"a-b.token", header(now.Add(time.Hour)), 48 * time.Hour, false},
		"expired":                 {"a-b.token", header(now.Add(-time.Hour)), 0, true},
		"expired, by other clock": {"a-b.token", header(now.Add(-time.Minute)), 0, false},
		"long ago":                {"a-b.token", header(time.Unix(-1<<62, 0)), 0, true},
		"long to come":            {"a-b.token", header(time.Unix(1<<62, 0)), 0, false},
		"no entry, new":           {"a-b.token", []byte("x"), time.Hour, false},
		"no entry, old":           {"a-b.token", []byte("x"), 25 * time.Hour, true},
		"being written":           {".new-1", []byte("x"), 0, false},
		"left by a crash":         {".new-1", header(now.Add(time.Hour)), 2 * time.Minute, true},
		"left, by a wrong clock":  {".new-1", nil, -time.Hour, true},
		"somebody else's":         {"README", []byte("x"), 1000 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			d.store("s").Save(entry("t"))
			path := filepath.Join(d.tokens(), tt.file)
			d.write(path, tt.data, 0o600)
			if err := os.Chtimes(path, now.Add(-tt.age), now.Add(-tt.age)); err != nil {
				t.Fatal(err)
			}
			d.wants(d.store("s"), "t", "beside it")
			_, err := os.Lstat(path)
			if gone := err != nil; gone != tt.wantGone {
				t.Errorf("is gone: %v, want %v", gone, tt.wantGone)
			}
			d.warnings(0, "")
		})
	}
}

// A folder in the place of an entry goes too, and in that of the folder for
// entries there can be a file.
func TestFoldersAndFilesExchanged(t *testing.T) {
	d := newDisk(t)
	s := d.store("s")
	s.Save(entry("t"))
	path := d.file()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "more"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.wants(s, "", "a folder")
	d.warnings(1, "is not a regular file")
	s.Save(entry("next"))
	d.wants(s, "next", "replaced")

	d = newDisk(t)
	d.write(d.dir, []byte("x"), 0o600)
	d.wants(d.store("s"), "", "a file for a state_dir")
	d.warnings(1, "is not a folder")
	d.log.Reset()
	d.store("s").Save(entry("t"))
	d.warnings(1, "make the folder")
	d = newDisk(t)
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d.write(d.tokens(), []byte("x"), 0o600)
	d.store("s").Save(entry("t"))
	d.warnings(1, "is not a folder")
}
