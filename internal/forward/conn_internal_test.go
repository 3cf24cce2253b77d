package forward

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// oneToken is a token that is always good.
type oneToken struct{}

func (oneToken) Live() (string, bool)                  { return "t", true }
func (oneToken) Token(context.Context) (string, error) { return "t", nil }
func (oneToken) Reject(string, string, string) func(context.Context) (string, bool, error) {
	return func(context.Context) (string, bool, error) { return "t", false, nil }
}
func (oneToken) Replayed(string, string, bool) {}

// old makes every connection one that is to be used no more.
func old(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := dial((&net.Dialer{}).DialContext).counted(ctx, network, address)
	if err == nil {
		c.(*conn).retire = time.Now()
	}
	return c, err
}

// A connection is not used for ever, or it would stay with an address that DNS
// no longer names. No request is lost for that.
func TestOldConnectionsAreReplaced(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		var mu sync.Mutex
		from := map[string]int{}
		upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
			mu.Lock()
			defer mu.Unlock()
			from[r.RemoteAddr]++
		}))
		upstream.EnableHTTP2 = http2
		upstream.StartTLS()
		defer upstream.Close()
		target, _ := url.Parse(upstream.URL)
		for _, aged := range []bool{false, true} {
			transport := NewTransport(10*time.Second, 10*time.Second)
			defer transport.CloseIdleConnections()
			transport.TLSClientConfig.RootCAs = upstream.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
			if aged {
				transport.DialContext = old
			}
			proxy := New(target, oneToken{}, transport, Options{})
			clear(from)
			for range 5 {
				w := httptest.NewRecorder()
				proxy.ServeHTTP(w, httptest.NewRequest("POST", "/x", strings.NewReader("body")))
				if w.Code != 200 || w.Body.String() != "body" {
					t.Errorf("HTTP/2 %v, old %v: answered %d %s", http2, aged, w.Code, w.Body)
				}
			}
			want := 1
			if aged {
				want = 5
			}
			mu.Lock()
			if len(from) != want {
				t.Errorf("HTTP/2 %v, old %v: %d connections, want %d", http2, aged, len(from), want)
			}
			mu.Unlock()
		}
	}
}

// Nothing is written to a connection that upstream has closed, even if the
// reader has not come to know.
func TestAClosedConnectionIsNotWrittenTo(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	here, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	there, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(here)
	c.begins.Store(true)
	if n, err := c.Write([]byte("one")); n != 3 || err != nil {
		t.Fatalf("while it is open: wrote %d, %v", n, err)
	}
	c.begins.Store(true)
	if _, err := io.ReadFull(there, make([]byte, 3)); err != nil {
		t.Fatal(err) // or closing would be a reset
	}
	_ = there.Close()
	for range 100 {
		if c.peek() {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if n, err := c.Write([]byte("two")); n != 0 || err == nil {
		t.Errorf("after it was closed: wrote %d, %v", n, err)
	}
	if c.written.Load() != 3 {
		t.Errorf("%d bytes count as written, want 3", c.written.Load())
	}
}
