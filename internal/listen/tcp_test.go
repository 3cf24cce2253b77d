package listen_test

import (
	"net"
	"strings"
	"testing"

	"dvproxy/internal/listen"
)

// open opens an address until the end of the test.
func open(t *testing.T, address string, o listen.Options) *listen.Endpoint {
	t.Helper()
	e, err := listen.Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestLocalhostIsBothLoopbackAddresses(t *testing.T) {
	e := open(t, "localhost:0", listen.Options{})
	want := []string{"127.0.0.1:" + e.Port}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil { // there is IPv6
		_ = l.Close()
		want = append(want, "[::1]:"+e.Port)
	}
	if len(e.Listeners) != len(want) {
		t.Fatalf("%d listeners, want %v", len(e.Listeners), want)
	}
	for i, l := range e.Listeners {
		if got := l.Addr().String(); got != want[i] {
			t.Errorf("listens on %s, want %s", got, want[i])
		}
	}
	again, err := listen.Open(t.Context(), "localhost:"+e.Port, listen.Options{})
	if err == nil {
		again.Close()
		t.Error("the same port is given twice")
	} else if !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("error %v, want one that says that the port is in use", err)
	}
}

func TestListenOnOneAddress(t *testing.T) {
	if e := open(t, "127.0.0.1:0", listen.Options{}); len(e.Listeners) != 1 {
		t.Errorf("%d listeners, want 1", len(e.Listeners))
	}
	if _, err := listen.Open(t.Context(), "nonsense", listen.Options{}); err == nil {
		t.Error("no error for nonsense")
	}
}

func TestOrigin(t *testing.T) {
	for _, tt := range []struct {
		in   string
		tls  bool
		want string // with PORT for the port
	}{
		{"localhost:0", false, "http://localhost:PORT"},
		{"localhost:0", true, "https://localhost:PORT"},
		{"127.0.0.1:0", false, "http://127.0.0.1:PORT"},
		{"[::]:0", false, "http://localhost:PORT"},
		{":0", true, "https://localhost:PORT"},
	} {
		o := listen.Options{}
		if tt.tls {
			o.Certificates = newCA(t, t.TempDir()).Certificates(nil)
		}
		e := open(t, tt.in, o)
		if want := strings.ReplaceAll(tt.want, "PORT", e.Port); e.Origin() != want {
			t.Errorf("%s: origin %s, want %s", tt.in, e.Origin(), want)
		}
	}
}
