//go:build unix

package listen_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"dvproxy/internal/listen"
)

// stale leaves a socket behind, as a process does that is killed.
func stale(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()
}

func TestSocketHasItsModeAndGoes(t *testing.T) {
	for _, tt := range []struct {
		in   fs.FileMode
		want fs.FileMode
	}{{0, 0o600}, {0o600, 0o600}, {0o660, 0o660}, {0o666, 0o666}} {
		dir := t.TempDir()
		path := filepath.Join(dir, "s.sock")
		e := open(t, "unix:"+path, listen.Options{SocketMode: tt.in, SocketGroup: strconv.Itoa(os.Getgid())})
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != tt.want|fs.ModeSocket {
			t.Errorf("mode %v, want %v", info.Mode(), tt.want|fs.ModeSocket)
		}
		if e.Origin() != "http://localhost" || e.Socket != path || e.Listeners[0].Addr().String() != path {
			t.Errorf("origin %s, path %s, address %s", e.Origin(), e.Socket, e.Listeners[0].Addr())
		}
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		e.Close()
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("after the end there is %v", left)
		}
	}
}

// No path through the folder ever leads to a socket that is more open than its
// mode: who watches the folder sees it with its mode, or not at all.
func TestSocketIsNeverMoreOpenThanItsMode(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s.sock")
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	stop := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			entries, _ := os.ReadDir(dir)
			for _, entry := range entries {
				if info, err := os.Lstat(filepath.Join(dir, entry.Name())); err == nil && info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s was there with mode %v", entry.Name(), info.Mode())
					return
				}
			}
		}
	})
	for range 200 {
		e, err := listen.Open(t.Context(), "unix:"+path, listen.Options{})
		if err != nil {
			t.Fatal(err)
		}
		e.Close()
	}
	close(stop)
	watching.Wait()
}

func TestWhatIsInASocketsPlace(t *testing.T) {
	for _, tt := range []struct {
		name string
		put  func(t *testing.T, path string)
		want string // of the error; empty: the socket is replaced
	}{
		{"a stale socket", stale, ""},
		{"a live socket", func(t *testing.T, path string) {
			l, err := net.Listen("unix", path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
		}, "in use by another process"},
		{"a socket of another kind", func(t *testing.T, path string) {
			c, err := net.ListenPacket("unixgram", path)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
		}, "may be in use by another process"},
		{"a file", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "something else at that path"},
		{"an empty folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "something else at that path"},
		{"a link to a stale socket", func(t *testing.T, path string) {
			stale(t, path+"2")
			if err := os.Symlink(path+"2", path); err != nil {
				t.Fatal(err)
			}
		}, "something else at that path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.sock")
			tt.put(t, path)
			before, err := os.Lstat(path)
			if err != nil {
				t.Fatal(err)
			}
			e, err := listen.Open(t.Context(), "unix:"+path, listen.Options{})
			if err == nil {
				e.Close()
			}
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if tt.want == "" {
				return
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
				t.Errorf("it was removed: %v", err)
			}
		})
	}
}

func TestSocketThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		path string
		o    listen.Options
		want string
	}{
		{filepath.Join(dir, "none", "s.sock"), listen.Options{}, "its folder is not there"},
		{filepath.Join(dir, "s.sock"), listen.Options{SocketGroup: "no-such-group"}, "no-such-group"},
	} {
		_, err := listen.Open(t.Context(), "unix:"+tt.path, tt.o)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
			t.Errorf("error %v, want one with %q and the path", err, tt.want)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A process that ends leaves alone the socket that has taken its own's place.
func TestOthersSocketStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	first := open(t, "unix:"+path, listen.Options{})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	open(t, "unix:"+path, listen.Options{})
	first.Close()
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		t.Error("the second socket was removed by the first listener")
	}
	first.Close()
	if conn, err := net.Dial("unix", path); err != nil {
		t.Error(err)
	} else {
		_ = conn.Close()
	}
}

// The server's own way of closing takes the file along.
func TestServerRemovesTheSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	e := open(t, "unix:"+path, listen.Options{})
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })}
	served := make(chan error)
	go func() { served <- server.Serve(e.Listeners[0]) }()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	<-served
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}
