package guard_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"dvproxy/internal/guard"
)

const id = "11111111-1111-1111-1111-111111111111"

var callers = []struct {
	name    string
	start   string
	header  string
	refused bool
}{
	{"none", "GET " + api + "WhoAmI", "Accept: */*", false},
	{"in the query", "GET " + api + "accounts?MSCRMCallerID=" + id, "A: b", false},
	{"in a value", "GET " + api + "WhoAmI", "Prefer: MSCRMCallerID", false},
	{"MSCRMCallerID", "GET " + api + "WhoAmI", "MSCRMCallerID: " + id, true},
	{"lower case", "GET " + api + "WhoAmI", "mscrmcallerid: " + id, true},
	{"empty", "GET " + api + "WhoAmI", "MSCRMCallerID:", true},
	{"twice", "GET " + api + "WhoAmI", "MSCRMCallerID:\nMSCRMCallerID: " + id, true},
	{"CallerObjectId", "POST " + api + "accounts", "CallerObjectId: " + id + "\nContent-Length: 0", true},
	{"hop-by-hop", "GET " + api + "WhoAmI", "Connection: CallerObjectId\nCallerObjectId: " + id, true},
	{"underscores", "GET " + api + "WhoAmI", "MSCRM_Caller_ID: " + id, true},
	{"a batch that is empty", "POST " + api + "$batch", "Content-Length: 0", false},
	{"a trailer", "POST " + api + "accounts", "Trailer: CallerObjectId\nTransfer-Encoding: chunked", true},
}

func TestCallerHeaders(t *testing.T) {
	g := newGate(t, guard.Restrictions{DenyImpersonation: true})
	for _, tt := range callers {
		t.Run(tt.name, func(t *testing.T) {
			want, before := map[bool]string{true: "403 impersonation_refused", false: "200 "}[tt.refused], g.calls()
			status, code, message := g.send(t, request(tt.start, tt.header, "0\r\n\r\n"))
			if got := fmt.Sprint(status, " ", code); got != want {
				t.Errorf("answered %s (%s), want %s", got, message, want)
			}
			if passed := g.calls() > before; passed == tt.refused {
				t.Errorf("passed on: %v", passed)
			}
		})
	}
}

// A trailer that was not announced goes upstream if another was.
func TestCallerTrailer(t *testing.T) {
	g := newGate(t, guard.Restrictions{DenyImpersonation: true})
	for _, tt := range []struct {
		trailer string
		want    string
	}{
		{"X-Sum: 1", "200 "},
		{"X-Sum: 1\r\nMSCRMCallerID: " + id, "403 impersonation_refused"},
	} {
		in := request("POST "+api+"accounts", "Trailer: X-Sum\nTransfer-Encoding: chunked", "2\r\n{}\r\n0\r\n"+tt.trailer+"\r\n\r\n")
		status, code, message := g.send(t, in)
		if got := fmt.Sprint(status, " ", code); got != tt.want {
			t.Errorf("%q: answered %s (%s), want %s", tt.trailer, got, message, tt.want)
		}
	}
}

func TestBodies(t *testing.T) {
	g := newGate(t, guard.Restrictions{DenyImpersonation: true})
	for _, tt := range bodies {
		t.Run(tt.name, func(t *testing.T) {
			want := "403 impersonation_refused"
			if !tt.refused {
				want = "200 "
			}
			for way, in := range map[string]string{
				"declared":      declared(tt.start, tt.header, tt.body),
				"chunked":       chunked(tt.start, tt.header, tt.body, 1000),
				"single bytes":  chunked(tt.start, tt.header, tt.body, 1),
				"three at once": chunked(tt.start, tt.header, tt.body, 3),
			} {
				before, endedBefore := g.calls(), g.ends()
				got, code, message := g.send(t, in)
				if got := fmt.Sprint(got, " ", code); got != want {
					t.Errorf("%s: answered %s (%s), want %s", way, got, message, want)
				}
				if ended := g.ends() > endedBefore; ended == tt.refused {
					t.Errorf("%s: the whole body was passed on: %v", way, ended)
				}
				if way == "declared" && tt.refused && g.calls() > before {
					t.Errorf("%s: a part of the body was passed on", way)
				}
				if !tt.refused && g.last() != tt.body {
					t.Errorf("%s: passed on %q, want %q", way, g.last(), tt.body)
				}
			}
		})
	}
}

// In a body that flows, what comes before a caller's name is handed out, and
// nothing from there on.
func TestBodyIsBrokenOff(t *testing.T) {
	g := newGate(t, guard.Restrictions{DenyImpersonation: true})
	before := strings.Repeat("x", 100)
	in := chunked("POST "+api+"$batch", mixed, "--b\r\n\r\n"+before+"\r\nMSCRMCallerID: "+id+"\r\n\r\nafter", 10)
	if _, code, _ := g.send(t, in); code != "impersonation_refused" {
		t.Errorf("answered %q, want impersonation_refused", code)
	}
	if got := g.last(); strings.Contains(got, id) || strings.Contains(got, "after") || strings.Contains(got, "CallerID:") {
		t.Errorf("handed out %q", got)
	}
	if got := g.brokenOff(); len(got) != 1 || got[0].Code != "impersonation_refused" {
		t.Errorf("told of %v, want one body that was broken off", got)
	}
}

// What is declared to be over 1 MiB flows.
func TestLargeBodies(t *testing.T) {
	g := newGate(t, guard.Restrictions{DenyImpersonation: true})
	large := "--b\r\n\r\n" + strings.Repeat("0123456789abcdef\r\n", 100_000)
	if status, _, message := g.send(t, declared("POST "+api+"$batch", mixed, large)); status != 200 || g.last() != large {
		t.Errorf("answered %d (%s), passed on %d bytes, want 200 and %d", status, message, len(g.last()), len(large))
	}
	if _, code, _ := g.send(t, declared("POST "+api+"$batch", mixed, large+"\r\nMSCRMCallerID: x")); code != "impersonation_refused" || len(g.brokenOff()) != 1 {
		t.Errorf("answered %q, broken off %d, want impersonation_refused and 1", code, len(g.brokenOff()))
	}
}

// A client that breaks off is one that broke off, and not one that is refused.
func TestClientBreaksOff(t *testing.T) {
	g := newGate(t, guard.Restrictions{DenyImpersonation: true})
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, request(batchTarget, mixed+"\nContent-Length: 1000", inBatch("A: b")))
	_ = conn.(*net.TCPConn).CloseWrite()
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest || g.last() != inBatch("A: b") || g.ends() != 0 || len(g.brokenOff()) != 0 {
		t.Errorf("answered %d, passed on %q to %d ends; want 400, what was sent, and no end", resp.StatusCode, g.last(), g.ends())
	}
}

// The room that a body takes is given back, whatever becomes of it: otherwise
// the last of these would flow, and be broken off.
func TestRoomIsGivenBack(t *testing.T) {
	g := newGate(t, guard.Restrictions{DenyImpersonation: true})
	body := "--b\r\n\r\n" + strings.Repeat("0123456789abcdef\r\n", 58_000) + caller
	in := declared(batchTarget, mixed, body)
	for range 18 {
		if _, code, _ := g.send(t, in); code != "impersonation_refused" {
			t.Fatalf("answered %q", code)
		}
	}
	if g.calls() > 0 {
		t.Errorf("%d bodies were passed on", g.calls())
	}
}
