package guard_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"dvproxy/internal/guard"
)

// A listener is a guard on a real server; raw requests are sent to it as they
// stand, since no HTTP client would write most of them.
type listener struct {
	addr, port string
	passed     int
}

func listen(t *testing.T, o guard.Options, allowed ...string) *listener {
	t.Helper()
	l := &listener{}
	var h http.Handler
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	server.Config.DisableGeneralOptionsHandler = true
	server.Start()
	t.Cleanup(server.Close)
	l.addr = server.Listener.Addr().String()
	_, l.port, _ = net.SplitHostPort(l.addr)
	o.OnRefusal = func(w http.ResponseWriter, _ *http.Request, r guard.Refusal) {
		w.Header().Set("X-Code", r.Code)
		http.Error(w, r.Message, r.Status)
	}
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.passed++
		fmt.Fprintf(w, "upgrade=%s", r.Header.Get("Upgrade"))
	})
	h = guard.New(next, guard.Hosts("localhost", l.port, false, allowed), o)
	return l
}

// send writes a request, with PORT for the listener's port, and returns the
// answer's status, error code and body.
func (l *listener) send(t *testing.T, request string) (status int, code, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request = strings.ReplaceAll(strings.ReplaceAll(request, "PORT", l.port), "\n", "\r\n")
	if _, err := io.WriteString(conn, request+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer to %q: %v", request, err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header.Get("X-Code"), string(b)
}

const get = "GET /api HTTP/1.1\nHost: localhost:PORT"

var requests = []struct {
	name string
	in   string
	want string // error code; empty: it passes
}{
	{"localhost", get, ""},
	{"any case", "GET / HTTP/1.1\nHost: LocalHost:PORT", ""},
	{"IPv4", "GET / HTTP/1.1\nHost: 127.0.0.1:PORT", ""},
	{"IPv6", "GET / HTTP/1.1\nHost: [::1]:PORT", ""},
	{"allowed name", "GET / HTTP/1.1\nHost: dvproxy.internal:PORT", ""},
	{"allowed name and port", "GET / HTTP/1.1\nHost: gateway:8443", ""},
	{"allowed name, wrong port", "GET / HTTP/1.1\nHost: gateway:PORT", "host_refused"},
	{"HTTP/1.0 without Host", "GET / HTTP/1.0", ""},
	{"HTTP/1.0 with a foreign Host", "GET / HTTP/1.0\nHost: evil.com", "host_refused"},
	{"absolute-form", "GET http://localhost:PORT/ HTTP/1.1\nHost: localhost:PORT", ""},
	{"absolute-form over a foreign Host", "GET http://localhost:PORT/ HTTP/1.1\nHost: evil.com", ""},
	{"absolute-form, foreign", "GET http://evil.com/ HTTP/1.1\nHost: localhost:PORT", "host_refused"},
	{"absolute-form, upstream's own", "GET https://contoso.crm.dynamics.com/ HTTP/1.1\nHost: localhost:PORT", "host_refused"},
	{"absolute-form, another scheme", "GET https://localhost:PORT/ HTTP/1.1\nHost: localhost:PORT", "host_refused"},
	{"rebound name", "GET / HTTP/1.1\nHost: evil.com:PORT", "host_refused"},
	{"look-alike suffix", "GET / HTTP/1.1\nHost: localhost.evil.com:PORT", "host_refused"},
	{"look-alike prefix", "GET / HTTP/1.1\nHost: evil-localhost:PORT", "host_refused"},
	{"address as a name", "GET / HTTP/1.1\nHost: 127.0.0.1.nip.io:PORT", "host_refused"},
	{"trailing dot", "GET / HTTP/1.1\nHost: localhost.:PORT", "host_refused"},
	{"wrong port", "GET / HTTP/1.1\nHost: localhost:1", "host_refused"},
	{"no port", "GET / HTTP/1.1\nHost: localhost", "host_refused"},
	{"another loopback address", "GET / HTTP/1.1\nHost: 127.0.0.2:PORT", "host_refused"},
	{"empty Host", "GET / HTTP/1.1\nHost:", "host_refused"},

	{"Origin", get + "\nOrigin: https://evil.com", "origin_refused"},
	{"Origin null", get + "\nOrigin: null", "origin_refused"},
	{"Origin, empty", get + "\nOrigin:", "origin_refused"},
	{"Origin, our own", get + "\nOrigin: http://localhost:PORT", "origin_refused"},
	{"Referer, foreign", get + "\nReferer: https://evil.com/page", "origin_refused"},
	{"Referer, look-alike", get + "\nReferer: http://localhost:PORT@evil.com/", "origin_refused"},
	{"Referer, another port", get + "\nReferer: http://localhost:1/", "origin_refused"},
	{"Referer, our own", get + "\nReferer: http://localhost:PORT/api/data", ""},
	{"Referer twice", get + "\nReferer: http://localhost:PORT/\nReferer: https://evil.com/", "origin_refused"},
	{"cross-site", get + "\nSec-Fetch-Site: cross-site", "origin_refused"},
	{"same-site", get + "\nSec-Fetch-Site: same-site", "origin_refused"},
	{"typed into a browser", get + "\nSec-Fetch-Site: none", ""},
	{"same-origin", get + "\nSec-Fetch-Site: same-origin", ""},

	{"MERGE", "MERGE / HTTP/1.1\nHost: localhost:PORT", ""},
	{"OPTIONS *", "OPTIONS * HTTP/1.1\nHost: localhost:PORT", ""},
	{"OPTIONS * elsewhere", "OPTIONS * HTTP/1.1\nHost: evil.com", "host_refused"},
	{"preflight", "OPTIONS / HTTP/1.1\nHost: localhost:PORT\nOrigin: https://evil.com\nAccess-Control-Request-Method: PATCH", "origin_refused"},
	{"CONNECT", "CONNECT contoso.crm.dynamics.com:443 HTTP/1.1\nHost: contoso.crm.dynamics.com:443", "method_refused"},
	{"CONNECT to ourselves", "CONNECT localhost:PORT HTTP/1.1\nHost: localhost:PORT", "method_refused"},
	{"TRACE", "TRACE / HTTP/1.1\nHost: localhost:PORT", "method_refused"},
	{"HTTP/2 preface", "PRI * HTTP/2.0", "method_refused"},
	{"lower case", "get / HTTP/1.1\nHost: localhost:PORT", "method_refused"},
	{"QUERY", "QUERY / HTTP/1.1\nHost: localhost:PORT", "method_refused"},
}

func TestRequests(t *testing.T) {
	status := map[string]int{"": 200, "host_refused": 421, "origin_refused": 403, "method_refused": 405}
	l := listen(t, guard.Options{}, "dvproxy.internal", "Gateway:8443")
	for _, tt := range requests {
		t.Run(tt.name, func(t *testing.T) {
			before := l.passed
			got, code, body := l.send(t, tt.in)
			if code != tt.want || got != status[tt.want] {
				t.Errorf("answered %d %q (%s), want %d %q", got, code, body, status[tt.want], tt.want)
			}
			if passed := l.passed > before; passed != (tt.want == "") {
				t.Errorf("passed on: %v", passed)
			}
		})
	}
}

func TestUpgradeIsStripped(t *testing.T) {
	l := listen(t, guard.Options{})
	_, _, body := l.send(t, get+"\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__")
	if body != "upgrade=" {
		t.Errorf("the handler saw %q, want no Upgrade", body)
	}
}

func TestSameOrigin(t *testing.T) {
	l := listen(t, guard.Options{SameOrigin: true})
	tests := []struct{ in, want string }{
		{"http://localhost:PORT", ""},
		{"http://127.0.0.1:PORT", ""},
		{"https://localhost:PORT", "origin_refused"},
		{"http://localhost:1", "origin_refused"},
		{"http://evil.com", "origin_refused"},
		{"null", "origin_refused"},
	}
	for _, tt := range tests {
		if _, code, _ := l.send(t, get+"\nOrigin: "+tt.in); code != tt.want {
			t.Errorf("Origin %s: %q, want %q", tt.in, code, tt.want)
		}
	}
}

func TestAnyHost(t *testing.T) {
	l := listen(t, guard.Options{AnyHost: func(r *http.Request) bool { return r.URL.Path == "/readyz" }})
	if _, code, _ := l.send(t, "GET /readyz HTTP/1.1\nHost: 10.1.2.3:PORT"); code != "" {
		t.Errorf("a probe by pod address: %q, want it to pass", code)
	}
	if _, code, _ := l.send(t, "GET /other HTTP/1.1\nHost: 10.1.2.3:PORT"); code != "host_refused" {
		t.Errorf("another path: %q, want host_refused", code)
	}
}

func TestHosts(t *testing.T) {
	own := func(port string) []string {
		return []string{"127.0.0.1:" + port, "[::1]:" + port, "localhost:" + port}
	}
	tests := []struct {
		name       string
		host, port string
		tls        bool
		allowed    []string
		want       []string // beside localhost, 127.0.0.1 and [::1] with the port
	}{
		{name: "localhost", host: "localhost", port: "7080"},
		{name: "unspecified", host: "0.0.0.0", port: "7080"},
		{name: "unspecified IPv6", host: "::", port: "7080"},
		{name: "address", host: "10.0.0.5", port: "7080", want: []string{"10.0.0.5:7080"}},
		{name: "IPv6", host: "fd00::1", port: "7080", want: []string{"[fd00::1]:7080"}},
		{name: "name", host: "Gateway", port: "7080", want: []string{"gateway:7080"}},
		{name: "default port", host: "", port: "80", want: []string{"127.0.0.1", "[::1]", "localhost"}},
		{name: "default port of the other scheme", host: "", port: "80", tls: true},
		{name: "default port of TLS", host: "", port: "443", tls: true, want: []string{"127.0.0.1", "[::1]", "localhost"}},
		{
			name: "allowed", host: "", port: "7080", allowed: []string{"a", "b:443", "fd00::2", "[fd00::3]:80"},
			want: []string{"a:7080", "b:443", "[fd00::2]:7080", "[fd00::3]", "[fd00::3]:80"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := append(own(tt.port), tt.want...)
			slices.Sort(want)
			if got := guard.Hosts(tt.host, tt.port, tt.tls, tt.allowed); !slices.Equal(got, want) {
				t.Errorf("hosts %q\nwant  %q", got, want)
			}
		})
	}
}
