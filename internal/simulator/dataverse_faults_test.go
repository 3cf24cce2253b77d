package simulator

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestDataverseFaults(t *testing.T) {
	for _, tt := range []struct {
		name     string
		fault    Fault
		status   int // 0: the exchange fails
		code     string
		executed int
	}{
		{"reset", Fault{Kind: FaultReset}, 0, "", 0},
		{"reset after the body", Fault{Kind: FaultResetAfterBody}, 0, "", 0},
		{"reset after execution", Fault{Kind: FaultResetAfterExecute}, 0, "", 1},
		{"truncate", Fault{Kind: FaultTruncate, Bytes: 5}, 0, "", 1},
		{"500", Fault{Kind: FaultStatus}, 500, "0x80040216", 0},
		{"503 with its own code", Fault{Kind: FaultStatus, Status: 503, Code: "0x1"}, 503, "0x1", 0},
		{"html in place of an error", Fault{Kind: FaultStatus, Status: 502, Body: "<html>"}, 502, "", 0},
		{"sign-in page", Fault{Kind: FaultHTML}, 200, "", 0},
		{"redirect to the sign-in host", Fault{Kind: FaultRedirect}, 302, "", 0},
		{"delay", Fault{Kind: FaultDelay, Delay: time.Millisecond}, 201, "", 1},
		{"refused token", Fault{Kind: FaultUnauthorized}, 401, "", 0},
		{"a plug-in's own 401", Fault{Kind: FaultAppUnauthorized}, 401, "0x80040265", 1},
		{"claims challenge", Fault{Kind: FaultClaimsChallenge}, 401, "", 0},
		{"too many requests", Fault{Kind: FaultThrottle}, 429, "0x80072322", 0},
		{"too much execution", Fault{Kind: FaultThrottle, Code: "0x80072321"}, 429, "0x80072321", 0},
		{"too many at one time", Fault{Kind: FaultThrottle, Code: "0x80072326"}, 429, "0x80072326", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, Options{})
			tt.fault.Count = 1
			if err := b.FailDataverse(tt.fault); err != nil {
				t.Fatal(err)
			}
			a := b.data("POST", accounts, `{"name":"x"}`, "Prefer: return=representation")
			if (a.err != nil) != (tt.status == 0) || a.err == nil && (a.status != tt.status || a.errorCode() != tt.code) {
				t.Errorf("%d %s %v, want %d %s", a.status, a.body, a.err, tt.status, tt.code)
			}
			if got := b.Executions().ByName["accounts/x"]; got != tt.executed {
				t.Errorf("executed %d times, want %d", got, tt.executed)
			}
			b.data("POST", accounts, `{"name":"x"}`).want(t, 204, "")
			if got := b.Stats(); got.Repeated != tt.executed || got.Faults[string(tt.fault.Kind)] != 1 {
				t.Errorf("repeated %d, faults %v", got.Repeated, got.Faults)
			}
		})
	}
}

func TestRedirectGoesToTheSignInHost(t *testing.T) {
	b := newBench(t, Options{})
	if err := b.FailDataverse(Fault{Kind: FaultRedirect, Header: http.Header{"X-Extra": {"1"}}}); err != nil {
		t.Fatal(err)
	}
	a := b.data("GET", accounts, "")
	if !strings.HasPrefix(a.header.Get("Location"), b.EntraURL+"/"+DefaultTenantID+"/oauth2/authorize?") || a.header.Get("X-Extra") != "1" {
		t.Errorf("Location %q", a.header.Get("Location"))
	}
}

func TestThrottleTexts(t *testing.T) {
	b := newBench(t, Options{})
	for code, want := range map[string]string{
		"0x80072322": "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
		"0x80072321": "Combined execution time of incoming requests exceeded limit of 1,200,000  milliseconds over time window of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
		"0x80072326": "Number of concurrent requests exceeded the limit of 52.",
	} {
		b.ClearDataverseFaults()
		if err := b.FailDataverse(Fault{Kind: FaultThrottle, Code: code, RetryAfter: 2100 * time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		a := b.data("GET", accounts, "")
		if want = `{"error":{"code":"` + code + `","message":"` + want + `"}}`; a.body != want || a.header.Get("Retry-After") != "3" {
			t.Errorf("Retry-After %q, body %s", a.header.Get("Retry-After"), a.body)
		}
	}
}

func TestFaultsFitByMethodPathAndToken(t *testing.T) {
	b := newBench(t, Options{})
	for _, f := range []Fault{
		{Kind: FaultStatus, Status: 502, Method: "POST", Path: accounts},
		{Kind: FaultHTML, Path: "/XRMServices/", DeadTokenOnly: true},
		{Kind: FaultUnauthorized, Path: "/api/data/v9.2/tasks"},
	} {
		if err := b.FailDataverse(f); err != nil {
			t.Fatal(err)
		}
	}
	const soap = "/XRMServices/2011/Organization.svc/web"
	b.data("POST", accounts, "{}").want(t, 502, "0x80040216")
	b.data("GET", accounts, "").want(t, 200, "")
	b.data("POST", "/api/data/v9.2/contacts", "{}").want(t, 204, "")
	b.data("GET", "/api/data/v9.2/tasks(1)", "").want(t, 401, "")
	b.data("POST", soap, "<s/>").want(t, 404, "")
	b.RevokeTokens()
	if a := b.data("POST", soap, "<s/>"); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Errorf("SOAP with a dead token: %d", a.status)
	}
	b.data("GET", "/api/data/v9.2/tasks(1)", "").want(t, 401, "")
	if got := b.Stats().Faults; got["unauthorized"] != 1 {
		t.Errorf("faults %v: a dead token's 401 is none", got)
	}
}

func TestClaimsChallengeIsMetByATokenWithTheClaims(t *testing.T) {
	b := newBench(t, Options{})
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1726077595"},"xms_caeerror":{"value":"10012"}}}`
	if err := b.FailDataverse(Fault{Kind: FaultClaimsChallenge, Claims: claims}); err != nil {
		t.Fatal(err)
	}
	want := `Bearer realm="", authorization_uri="` + b.EntraURL + "/" + DefaultTenantID + `/oauth2/authorize", error="insufficient_claims", claims="` +
		base64.StdEncoding.EncodeToString([]byte(claims)) + `"`
	for range 2 {
		if a := b.data("GET", accounts, ""); a.status != 401 || a.header.Get("WWW-Authenticate") != want {
			t.Errorf("%d %s", a.status, a.header.Get("WWW-Authenticate"))
		}
	}
	for _, tt := range []struct {
		claims string
		status int
	}{
		{claims, 200},
		{`{"access_token":{"xms_cc":{"values":["cp1"]},"xms_caeerror":{"value":"10012"},"nbf":{"value":"1726077595","essential":true}}}`, 200},
		{`{"access_token":{"nbf":{"essential":true,"value":"1726077595"}}}`, 401},
		{`{"access_token":{"xms_cc":{"values":["cp1"]}}}`, 401},
		{`{"id_token":{}}`, 401},
	} {
		b.token, _ = b.post(v2Path, b.form("claims="+tt.claims)).members(t)["access_token"].(string)
		if a := b.data("GET", accounts, ""); a.status != tt.status {
			t.Errorf("token asked for with %s: %d, want %d", tt.claims, a.status, tt.status)
		}
	}
}

func TestOncePerToken(t *testing.T) {
	b := newBench(t, Options{})
	if err := b.FailDataverse(Fault{Kind: FaultUnauthorized, OncePerToken: true}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, want := range []int{401, 200, 200} {
			if a := b.data("GET", accounts, ""); a.status != want {
				t.Errorf("%d, want %d", a.status, want)
			}
		}
		b.token = b.IssueToken(b.DataverseURL)
	}
}

// The client is still sending when the 401 and the reset come. It sees one or
// the other, never a success; with its body held back it sees the 401.
func TestUnauthorizedAndResetWhileTheBodyIsSent(t *testing.T) {
	b := newBench(t, Options{})
	if err := b.FailDataverse(Fault{Kind: FaultUnauthorizedReset}); err != nil {
		t.Fatal(err)
	}
	read, write := io.Pipe()
	defer write.Close()
	r, _ := http.NewRequest("PATCH", b.DataverseURL+accounts, read)
	r.Header.Set("Authorization", "Bearer "+b.token)
	a := exchange(r)
	if a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer error=invalid_token") {
		t.Errorf("%d %v", a.status, a.err)
	}
	if recent := b.Recent(); len(recent) != 1 || recent[0].BodyComplete {
		t.Errorf("%d requests, body complete %v", len(recent), recent[0].BodyComplete)
	}
	if a := b.data("PATCH", accounts, strings.Repeat("x", 8<<20)); a.err == nil && a.status != 401 {
		t.Errorf("%d", a.status)
	}
}

func TestTruncatedAnswerIsNoCleanEnd(t *testing.T) {
	b := newBench(t, Options{})
	if err := b.FailDataverse(Fault{Kind: FaultTruncate, Bytes: 20}); err != nil {
		t.Fatal(err)
	}
	a := b.data("GET", "/api/data/v9.2/WhoAmI", "")
	if a.status != 200 || a.err == nil || a.body != `{"@odata.context":"h` || a.header.Get("REQ_ID") == "" {
		t.Errorf("%d %q %v", a.status, a.body, a.err)
	}
}
