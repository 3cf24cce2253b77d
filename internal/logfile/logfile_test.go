package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Many write at the same time. No line is lost, torn or in two files, and no file
// is larger than it may be.
func TestConcurrentWriters(t *testing.T) {
	const writers, lines, size = 8, 400, 2000
	path := filepath.Join(folder(t), "dvproxy.log")
	f, err := Open(path, Options{Size: size, Kept: 200})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	var wg sync.WaitGroup
	for w := range writers {
		for i := range lines {
			want = append(want, fmt.Sprintf("writer %d line %d", w, i))
		}
		wg.Go(func() {
			for i := range lines {
				fmt.Fprintf(f, "writer %d line %d\n", w, i)
			}
		})
	}
	wg.Wait()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	var got []string
	for _, name := range files {
		text := read(t, name)
		if len(text) > size {
			t.Errorf("%s has %d bytes", name, len(text))
		}
		got = append(got, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d, or others", len(got), len(want))
	}
}

func TestOlderFiles(t *testing.T) {
	path := filepath.Join(folder(t), "dvproxy.log")
	for _, line := range []string{"1", "2", "3", "4", "5"} { // each time it is opened anew
		f, err := Open(path, Options{Size: 3, Kept: 2})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(f, "%s\n", line)
		f.Close()
	}
	for name, want := range map[string]string{path: "5\n", path + ".1": "4\n", path + ".2": "3\n"} {
		if got := read(t, name); got != want {
			t.Errorf("%s: %q, want %q", filepath.Base(name), got, want)
		}
		info, err := os.Stat(name)
		if err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
			t.Errorf("%s: %v, mode %v", filepath.Base(name), err, info.Mode())
		}
	}
	if _, err := os.Stat(path + ".3"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a third: %v", err)
	}
}

// What stands in the way of a rename costs no line, not even the older ones.
func TestCannotBeRenamed(t *testing.T) {
	path := filepath.Join(folder(t), "dvproxy.log")
	if err := os.MkdirAll(filepath.Join(path+".2", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".1", []byte("older\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path, Options{Size: 16, Kept: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := ""
	for i := range 9 {
		line := fmt.Sprintf("line %d\n", i)
		want += line
		if _, err := f.Write([]byte(line)); err != nil {
			t.Error(err)
		}
	}
	if got := read(t, path); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, name := range []string{filepath.Join(path+".2", "in the way"), path + ".2"} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprintln(f, "new")
	for name, want := range map[string]string{path: "new\n", path + ".1": want, path + ".2": "older\n"} {
		if got := read(t, name); got != want {
			t.Errorf("%s: %q, want %q", filepath.Base(name), got, want)
		}
	}
}

// A disk that is full for a while.
func TestLinesThatCannotBeWritten(t *testing.T) {
	var instead bytes.Buffer
	path := filepath.Join(folder(t), "dvproxy.log")
	f, err := Open(path, Options{Instead: &instead})
	if err != nil {
		t.Fatal(err)
	}
	disk := &fullDisk{file: f.file, room: 1 << 20}
	f.file = disk
	defer f.Close()
	fmt.Fprintln(f, "first")
	disk.room = 3
	for _, line := range []string{"second", "third"} {
		if n, err := fmt.Fprintln(f, line); n != len(line)+1 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
	disk.room = 1 << 20
	fmt.Fprintln(f, "fourth")
	if got, want := read(t, path), "first\nsec\nfourth\n"; got != want {
		t.Errorf("in the file %q, want %q", got, want)
	}
	if got, want := instead.String(), "second\nthird\n"; got != want {
		t.Errorf("elsewhere %q, want %q", got, want)
	}
}

type fullDisk struct {
	file
	room int
}

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(len(p), d.room)
	d.room -= n
	if n, err := d.file.Write(p[:n]); err != nil {
		return n, err
	}
	if n < len(p) {
		return n, errors.New("no space left on device")
	}
	return n, nil
}

func TestCutByOthers(t *testing.T) {
	path := filepath.Join(folder(t), "dvproxy.log")
	f, err := Open(path, Options{Size: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fmt.Fprintln(f, "12345678")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(f, "90")
	if got := read(t, path); got != "90\n" {
		t.Errorf("got %q", got)
	}
}

func TestCannotBeOpened(t *testing.T) {
	path := filepath.Join(folder(t), "no folder", "dvproxy.log")
	if f, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), "open log file") {
		t.Errorf("%v, %v", f, err)
	}
}

// folder is a temporary one. That of package testing cannot be removed under
// wine, which does not know the call that os.RemoveAll makes.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "logfile")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		files, _ := filepath.Glob(filepath.Join(dir, "*"))
		for _, name := range append(files, dir) {
			os.Remove(name)
		}
	})
	return dir
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
