package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// openUpload begins a POST whose body does not come, until it is closed.
func openUpload(t *testing.T, b *bench) io.Closer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(b.DataverseURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 10\r\n\r\n{",
		accounts, conn.RemoteAddr(), b.token)
	return conn
}

func TestRecentRequestsAreAsTheyCame(t *testing.T) {
	b := newBench(t, Options{})
	const target = accounts + "?$expand=a($select=b;$top=1)&x=100%&q='%2f%27'//"
	const body = `{"name":"x"}`
	rawExchange(t, b.DataverseURL, "POST "+target+" HTTP/1.1\r\nhost: "+strings.TrimPrefix(b.DataverseURL, "http://")+
		"\r\nauthorization: Bearer "+b.token+"\r\nMSCRM.MergeLabels: true\r\nprefer: a\r\nPrefer: b\r\nContent-Length: 12\r\n\r\n"+body)
	recent := b.Recent()
	if len(recent) != 1 {
		t.Fatalf("%d requests", len(recent))
	}
	got := recent[0]
	sum := sha256.Sum256([]byte(body))
	if got.Service != "dataverse" || got.Method != "POST" || got.RequestURI != target || got.Status != 204 ||
		got.BodySHA256 != hex.EncodeToString(sum[:]) || got.BodyLength != 12 || !got.BodyComplete || got.ContentLength != 12 {
		t.Errorf("%+v", got)
	}
	for _, want := range []string{"POST " + target + " HTTP/1.1\r\n", "\r\nhost: ", "\r\nMSCRM.MergeLabels: true\r\nprefer: a\r\nPrefer: b\r\n"} {
		if !strings.Contains(got.RawHead, want) {
			t.Errorf("no %q in %q", want, got.RawHead)
		}
	}
	if !strings.HasSuffix(got.RawHead, "\r\n\r\n") {
		t.Errorf("head %q", got.RawHead)
	}
}

func TestRawHeadsOfOneConnection(t *testing.T) {
	b := newBench(t, Options{})
	pool := &http.Transport{}
	defer pool.CloseIdleConnections()
	for i := range 3 {
		r, _ := http.NewRequest("POST", fmt.Sprintf("%s%s?n=%d", b.DataverseURL, accounts, i), strings.NewReader(`{"pad":"`+strings.Repeat("x", 300_000)+`"}`))
		r.Header["x-mark"] = []string{fmt.Sprint(i)}
		r.Header.Set("Authorization", "Bearer "+b.token)
		resp, err := pool.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	for i, r := range b.Recent() {
		if !strings.Contains(r.RawHead, fmt.Sprintf("?n=%d HTTP/1.1\r\n", i)) || !strings.Contains(r.RawHead, fmt.Sprintf("\r\nx-mark: %d\r\n", i)) {
			t.Errorf("request %d: head %q", i, r.RawHead)
		}
	}
}

func TestRecentIsARing(t *testing.T) {
	rr := newRecentRequests(3)
	for i := range 5 {
		rr.add(Request{Status: i})
	}
	tenant := &Tenant{recent: rr}
	var got []int
	for _, r := range tenant.Recent() {
		got = append(got, r.Status)
	}
	if fmt.Sprint(got) != "[2 3 4]" {
		t.Errorf("%v, want [2 3 4]", got)
	}
	tenant.ClearRecent()
	if n := len(tenant.Recent()); n != 0 {
		t.Errorf("%d after clearing", n)
	}
	none := newRecentRequests(-1)
	none.add(Request{})
	if n := len((&Tenant{recent: none}).Recent()); n != 0 {
		t.Errorf("%d where none are kept", n)
	}
}

func TestExecutionsByNameAndRequestID(t *testing.T) {
	b := newBench(t, Options{})
	for range 2 {
		b.data("POST", accounts, `{"name":"row 1"}`, "x-ms-client-request-id: one").want(t, 204, "")
	}
	b.data("POST", "/api/data/v9.2/tasks", `{"subject":"call"}`, "x-ms-client-request-id: two").want(t, 204, "")
	b.data("POST", accounts, `{`).want(t, 400, "0x80048d19")
	got := b.Executions()
	if fmt.Sprint(got.ByName) != "map[accounts/row 1:2 tasks/call:1]" || fmt.Sprint(got.ByRequestID) != "map[one:2 two:1]" {
		t.Errorf("%+v", got)
	}
	if s := b.Stats(); s.Executed != 3 || s.Repeated != 1 || s.Rows["accounts"] != 2 || s.Requests != 4 || s.Statuses["204"] != 3 {
		t.Errorf("%+v", s)
	}
	b.ResetStats()
	b.ClearRows()
	if s := b.Stats(); s.Requests != 0 || len(s.Rows) != 0 {
		t.Errorf("after a reset: %+v", s)
	}
}
