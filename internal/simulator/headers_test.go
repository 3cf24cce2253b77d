package simulator

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The names, order within a name and number of the header fields are those of
// the published capture of WhoAmI.
func TestWhoAmIOnTheWire(t *testing.T) {
	b := newBench(t, Options{})
	head := rawExchange(t, b.DataverseURL, "GET /api/data/v9.2/WhoAmI HTTP/1.1\r\nHost: "+strings.TrimPrefix(b.DataverseURL, "http://")+
		"\r\nAuthorization: Bearer "+b.token+"\r\n\r\n")
	var got []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if name, _, ok := strings.Cut(line, ": "); ok {
			got = append(got, name)
		}
	}
	want := []string{
		"Cache-Control", "Allow", "Content-Type", "Expires", "Vary", "x-ms-service-request-id", "Set-Cookie", "Set-Cookie", "Set-Cookie",
		"x-ms-service-request-id", "Strict-Transport-Security", "REQ_ID", "CRM.ServiceId", "AuthActivityId", "x-ms-dop-hint",
		"x-ms-ratelimit-time-remaining-xrm-requests", "x-ms-ratelimit-burst-remaining-xrm-requests", "OData-Version", "X-Source", "Public",
		"Set-Cookie", "X-Source", "Date", "Content-Length",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for _, line := range []string{
		"HTTP/1.1 200 OK", "Allow: OPTIONS,GET,HEAD,POST", "Expires: -1", "x-ms-ratelimit-time-remaining-xrm-requests: 1,200.00",
		"x-ms-ratelimit-burst-remaining-xrm-requests: 5999", "Content-Type: application/json; odata.metadata=minimal",
	} {
		if !strings.Contains(head, line+"\r\n") {
			t.Errorf("no line %q", line)
		}
	}
	if n := len(regexp.MustCompile(`(?m)^Set-Cookie: ARRAffinity=.*; path=/; secure; HttpOnly\r$`).FindAllString(head, -1)); n != 2 {
		t.Errorf("ARRAffinity %d times, want 2", n)
	}
}

func TestSpellingOnTheWire(t *testing.T) {
	b := newBench(t, Options{})
	created := rawExchange(t, b.DataverseURL, "POST /api/data/v9.2/accounts HTTP/1.1\r\nHost: "+strings.TrimPrefix(b.DataverseURL, "http://")+
		"\r\nAuthorization: Bearer "+b.token+"\r\nPrefer: return=representation\r\nContent-Length: 2\r\n\r\n{}")
	for _, want := range []string{"HTTP/1.1 201 Created\r\n", "\r\nOData-EntityId: ", "\r\nETag: W/\"", "\r\nPreference-Applied: return=representation\r\n"} {
		if !strings.Contains(created, want) {
			t.Errorf("no %q in\n%s", want, created)
		}
	}
	refused := rawExchange(t, b.DataverseURL, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	for _, want := range []string{"HTTP/1.1 401 Unauthorized\r\n", "\r\nWWW-Authenticate: Bearer authorization_uri=", "\r\nContent-Length: 0\r\n"} {
		if !strings.Contains(refused, want) {
			t.Errorf("no %q in\n%s", want, refused)
		}
	}
	if strings.Contains(refused, "Content-Type") {
		t.Errorf("a 401 has a Content-Type:\n%s", refused)
	}
}

func TestCompression(t *testing.T) {
	b := newBench(t, Options{})
	for range 20 {
		b.data("POST", "/api/data/v9.2/accounts", `{"name":"`+strings.Repeat("x", 100)+`"}`)
	}
	for _, tt := range []struct {
		target, accept, want string
	}{
		{"/api/data/v9.2/accounts", "gzip, deflate, br", "gzip"},
		{"/api/data/v9.2/accounts", "deflate;q=1, GZIP;q=0.5", "gzip"},
		{"/api/data/v9.2/accounts", "gzip;q=0", ""},
		{"/api/data/v9.2/accounts", "identity", ""},
		{"/api/data/v9.2/WhoAmI", "gzip", ""}, // too short to be worth it
	} {
		a := b.data("GET", tt.target, "", "Accept-Encoding: "+tt.accept)
		if a.err != nil || a.header.Get("Content-Encoding") != tt.want || !strings.HasPrefix(a.body, `{"@odata.context"`) {
			t.Errorf("%s with %q: %q %v", tt.target, tt.accept, a.header.Get("Content-Encoding"), a.err)
		}
	}
}

func TestChunksForLongAnswersOnly(t *testing.T) {
	b := newBench(t, Options{})
	for range 10 {
		b.data("POST", "/api/data/v9.2/accounts", `{"name":"`+strings.Repeat("x", 10_000)+`"}`)
	}
	if a := b.data("GET", "/api/data/v9.2/accounts", ""); a.header.Get("Content-Length") != "" || len(a.body) < 100_000 {
		t.Errorf("long: Content-Length %q for %d bytes", a.header.Get("Content-Length"), len(a.body))
	}
	if a := b.data("GET", "/api/data/v9.2/accounts?$top=1", ""); a.header.Get("Content-Length") == "" {
		t.Error("short: no Content-Length")
	}
}

func TestHandlersWorkOverTLSAndHTTP2(t *testing.T) {
	tenant := New(Options{Key: sharedKey()})
	srv := httptest.NewUnstartedServer(tenant.Dataverse())
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	r, _ := http.NewRequest("GET", srv.URL+"/api/data/v9.2/WhoAmI", nil)
	r.Header.Set("Authorization", "Bearer "+tenant.IssueToken(srv.URL))
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 {
		t.Errorf("%s over %s", resp.Status, resp.Proto)
	}
	if err := tenant.FailDataverse(Fault{Kind: FaultReset}); err != nil {
		t.Fatal(err)
	}
	if resp, err := srv.Client().Do(r.Clone(t.Context())); err == nil {
		resp.Body.Close()
		t.Errorf("reset over HTTP/2: %s", resp.Status)
	}
}
