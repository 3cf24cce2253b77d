package supervisor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// listen opens a socket as systemd does, and returns what comes in.
func listen(t *testing.T, name string) (next func() string) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return func() string {
		t.Helper()
		buffer := make([]byte, 8192)
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
}

func TestMessages(t *testing.T) {
	for kind, socket := range map[string]string{
		"file":     filepath.Join(t.TempDir(), "notify"),
		"abstract": fmt.Sprintf("@dvproxy-test-%d", os.Getpid()),
	} {
		t.Run(kind, func(t *testing.T) {
			next := listen(t, socket)
			t.Setenv("NOTIFY_SOCKET", socket)
			s, err := FromEnvironment()
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range []struct {
				tell func() error
				want string
			}{
				{func() error { return s.Ready("ready: a") }, "READY=1\nSTATUS=ready: a"},
				{func() error { return s.Status("waiting\nMAINPID=1") }, "STATUS=waiting MAINPID=1"},
				{func() error { return s.Stopping("draining", 90*time.Second) }, "STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=90000000"},
			} {
				if err := row.tell(); err != nil {
					t.Fatal(err)
				}
				if got := next(); got != row.want {
					t.Errorf("sent %q, want %q", got, row.want)
				}
			}
			if _, there := os.LookupEnv("NOTIFY_SOCKET"); there {
				t.Error("NOTIFY_SOCKET is still there for children")
			}
		})
	}
}

// systemd takes a reload for begun only if the time is after it has sent the
// signal, by its own clock.
func TestReloadingHasTheTime(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "notify")
	next := listen(t, socket)
	t.Setenv("NOTIFY_SOCKET", socket)
	s, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	before := monotonic()
	if err := s.Reloading("reading"); err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutPrefix(next(), "RELOADING=1\nSTATUS=reading\nMONOTONIC_USEC=")
	usec, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil {
		t.Fatalf("the rest is %q", text)
	}
	if got := time.Duration(usec) * time.Microsecond; got < before.Truncate(time.Microsecond) || got > monotonic() {
		t.Errorf("sent %v, between %v and %v", got, before, monotonic())
	}
}

// A socket that nobody reads is an error and not a wait.
func TestNobodyThere(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	s, err := FromEnvironment()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(""); err == nil {
		t.Error("no error")
	}
	var none *Systemd
	if err := errors.Join(none.Ready(""), none.Reloading(""), none.Status(""), none.Stopping("", 0)); err != nil {
		t.Errorf("without systemd: %v", err)
	}
}
