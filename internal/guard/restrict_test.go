package guard_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"dvproxy/internal/guard"
)

// A gate is a restricted handler on a real server. What passes is read to its
// end, and answered like forward does if that fails.
type gate struct {
	addr string

	mu     sync.Mutex // guards the fields below
	passed int
	ended  int    // bodies that were read to a clean end
	got    string // of the last body
	broken []guard.Refusal
}

func newGate(t *testing.T, o guard.Restrictions) *gate {
	t.Helper()
	g := &gate{}
	o.OnRefusal = func(w http.ResponseWriter, _ *http.Request, r guard.Refusal) {
		w.Header().Set("X-Code", r.Code)
		http.Error(w, r.Message, r.Status)
	}
	o.OnBroken = func(_ *http.Request, r guard.Refusal) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.broken = append(g.broken, r)
	}
	server := httptest.NewServer(guard.Restrict(http.HandlerFunc(g.forward), o))
	t.Cleanup(server.Close)
	g.addr = server.Listener.Addr().String()
	return g
}

func (g *gate) forward(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passed++
	g.got = string(body)
	var refusal interface{ Refusal() (int, string, string) }
	switch {
	case err == nil:
		g.ended++
	case errors.As(err, &refusal):
		status, code, message := refusal.Refusal()
		w.Header().Set("X-Code", code)
		http.Error(w, message, status)
	default:
		http.Error(w, err.Error(), http.StatusBadRequest)
	}
}

func (g *gate) calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.passed
}

func (g *gate) ends() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ended
}

func (g *gate) last() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.got
}

func (g *gate) brokenOff() []guard.Refusal {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.broken)
}

// send writes a request as it stands and returns the answer.
func (g *gate) send(t *testing.T, request string) (status int, code, message string) {
	t.Helper()
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() { _, _ = io.WriteString(conn, request) }() // may not be read to its end
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("no answer to %q: %v", request, err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header.Get("X-Code"), string(b)
}

// request puts a request together, its header lines separated by LF.
func request(start, header, body string) string {
	return start + " HTTP/1.1\r\nHost: x\r\n" + strings.ReplaceAll(header, "\n", "\r\n") + "\r\n\r\n" + body
}

// declared is a request with a body of a declared length.
func declared(start, header, body string) string {
	return request(start, fmt.Sprintf("%s\nContent-Length: %d", header, len(body)), body)
}

// chunked is one with a body in chunks of so many bytes.
func chunked(start, header, body string, size int) string {
	var b strings.Builder
	for rest := body; rest != ""; {
		n := min(size, len(rest))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	return request(start, header+"\nTransfer-Encoding: chunked", b.String()+"0\r\n\r\n")
}

func TestNoRestrictionIsNoHandler(t *testing.T) {
	next := http.NewServeMux()
	if got := guard.Restrict(next, guard.Restrictions{}); got != http.Handler(next) {
		t.Errorf("without restrictions there is a %T before the next handler", got)
	}
}

const api = "/api/data/v9.2/"

var reads = []struct {
	name    string
	start   string
	header  string
	refused bool
}{
	{"GET", "GET " + api + "accounts?$select=name", "A: b", false},
	{"HEAD", "HEAD " + api + "accounts", "A: b", false},
	{"OPTIONS", "OPTIONS " + api + "accounts", "Access-Control-Request-Method: PATCH", false},
	{"a function", "GET " + api + "WhoAmI()", "A: b", false},
	{"no body", "GET " + api + "accounts", "Content-Length: 0", false},
	{"$batch in the query", "GET " + api + "accounts?$filter=name eq '$batch'", "A: b", false},
	{"POST", "POST " + api + "accounts", "Content-Length: 0", true},
	{"PATCH", "PATCH " + api + "accounts(1)", "Content-Length: 0", true},
	{"PUT", "PUT " + api + "accounts(1)", "Content-Length: 0", true},
	{"DELETE", "DELETE " + api + "accounts(1)", "A: b", true},
	{"MERGE", "MERGE " + api + "accounts(1)", "Content-Length: 0", true},
	{"batch", "POST " + api + "$batch", "Content-Length: 0", true},

	{"GET of $batch", "GET " + api + "$batch", "A: b", true},
	{"upper case", "GET " + api + "$BATCH", "A: b", true},
	{"percent-encoded", "GET " + api + "%24batch", "A: b", true},
	{"percent-encoded, upper case", "GET /API/DATA/V9.2/%24BATCH", "A: b", true},
	{"all percent-encoded", "GET " + api + "%24%62%61%74%63%68", "A: b", true},
	{"encoded twice", "GET " + api + "%2524batch", "A: b", true},
	{"encoded thrice", "GET " + api + "%25%32%35%32%34batch", "A: b", true},
	{"trailing slash", "GET " + api + "$batch/", "A: b", true},
	{"slashes", "GET //api//data/v9.2//$batch", "A: b", true},
	{"dots", "GET " + api + "x/../$batch", "A: b", true},
	{"path parameter", "GET " + api + "$batch;a=b", "A: b", true},
	{"parentheses", "GET " + api + "$batch()", "A: b", true},
	{"backslash", "GET /api/data/v9.2%5C$batch", "A: b", true},
	{"absolute-form", "GET http://x" + api + "$batch", "A: b", true},
	{"OData v2", "GET /XRMServices/2011/OrganizationData.svc/$batch", "A: b", true},

	{"X-HTTP-Method", "GET " + api + "accounts(1)", "X-HTTP-Method: MERGE", true},
	{"X-HTTP-Method, lower case", "GET " + api + "accounts(1)", "x-http-method: DELETE", true},
	{"X-HTTP-Method, underscores", "GET " + api + "accounts(1)", "X_HTTP_Method: DELETE", true},
	{"X-HTTP-Method, GET", "GET " + api + "accounts(1)", "X-HTTP-Method: GET", true},
	{"X-HTTP-Method, empty", "GET " + api + "accounts(1)", "X-HTTP-Method:", true},
	{"X-HTTP-Method-Override", "GET " + api + "accounts(1)", "X-HTTP-Method-Override: DELETE", true},
	{"X-Method-Override", "GET " + api + "accounts(1)", "X-Method-Override: DELETE", true},
	{"hop-by-hop", "GET " + api + "accounts(1)", "Connection: X-HTTP-Method\nX-HTTP-Method: DELETE", true},
	{"a body", "GET " + api + "accounts(1)", "Content-Length: 5", true},
	{"chunks", "GET " + api + "accounts(1)", "Transfer-Encoding: chunked", true},
}

func TestReadOnly(t *testing.T) {
	g := newGate(t, guard.Restrictions{ReadOnly: true})
	for _, tt := range reads {
		t.Run(tt.name, func(t *testing.T) {
			want, before := map[bool]string{true: "403 read_only", false: "200 "}[tt.refused], g.calls()
			start := tt.start
			if method, target, _ := strings.Cut(start, " "); strings.Contains(target, " ") {
				start = method + " " + strings.ReplaceAll(target, " ", "%20")
			}
			status, code, message := g.send(t, request(start, tt.header, "0\r\n\r\n"))
			if got := fmt.Sprint(status, " ", code); got != want {
				t.Errorf("answered %s (%s), want %s", got, message, want)
			}
			if passed := g.calls() > before; passed == tt.refused {
				t.Errorf("passed on: %v", passed)
			}
		})
	}
}

// http.sys decodes %u0024 too; net/http refuses a target that has it, as do
// the rules here.
func TestReadOnlyOfUnicodeEscapes(t *testing.T) {
	g := newGate(t, guard.Restrictions{ReadOnly: true})
	if status, _, _ := g.send(t, request("GET "+api+"%u0024batch", "A: b", "")); status == http.StatusOK || g.calls() > 0 {
		t.Errorf("answered %d, passed on %d; want it refused", status, g.calls())
	}
}
