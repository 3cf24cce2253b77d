package simulator

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestEntraFaults(t *testing.T) {
	b := newBench(t, Options{})
	for _, tt := range []struct {
		name   string
		fault  Fault
		status int // 0: no answer
		body   string
	}{
		{"refuse", Fault{Kind: FaultRefuse}, 0, ""},
		{"reset", Fault{Kind: FaultReset}, 0, ""},
		{"reset after the body", Fault{Kind: FaultResetAfterBody}, 0, ""},
		{"truncate", Fault{Kind: FaultTruncate}, 0, `{"token_type"`},
		{"500", Fault{Kind: FaultStatus}, 500, `"error":"server_error"`},
		{"503", Fault{Kind: FaultStatus, Status: 503}, 503, `"error":"temporarily_unavailable"`},
		{"429", Fault{Kind: FaultStatus, Status: 429, RetryAfter: time.Minute}, 429, `"error"`},
		{"own body", Fault{Kind: FaultStatus, Status: 502, Body: "<html>bad gateway"}, 502, "<html>bad gateway"},
		{"html", Fault{Kind: FaultHTML}, 200, "<!DOCTYPE html>"},
		{"redirect", Fault{Kind: FaultRedirect, Location: "https://portal.example/captive"}, 302, ""},
		{"junk", Fault{Kind: FaultJunk}, 200, "junk junk"},
		{"expired secret", Fault{Kind: FaultAADSTS, Code: "7000222"}, 401, "AADSTS7000222: "},
		{"transient", Fault{Kind: FaultAADSTS, Code: "AADSTS90033"}, 503, `"error":"temporarily_unavailable"`},
		{"unknown code", Fault{Kind: FaultAADSTS, Code: "123", Status: 400}, 400, "AADSTS123: "},
		{"no expires_in", Fault{Kind: FaultNoExpiresIn}, 200, `{"token_type":"Bearer","access_token"`},
		{"delay", Fault{Kind: FaultDelay, Delay: time.Millisecond}, 200, `"expires_in":3599`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.fault.Count = 1
			if err := b.FailEntra(tt.fault); err != nil {
				t.Fatal(err)
			}
			a := b.post(v2Path, b.form())
			if tt.status == 0 && a.err == nil || a.status != tt.status && a.err == nil || !strings.Contains(a.body, tt.body) {
				t.Errorf("%d %.200q %v, want %d %q", a.status, a.body, a.err, tt.status, tt.body)
			}
			if tt.fault.RetryAfter > 0 && a.header.Get("Retry-After") != "60" {
				t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
			}
			if tt.fault.Kind == FaultJunk && len(a.body) != 4<<20 {
				t.Errorf("%d bytes of junk", len(a.body))
			}
			if a := b.post(v2Path, b.form()); a.status != 200 || !strings.Contains(a.body, `"expires_in":3599`) {
				t.Errorf("after the fault: %d %.200q %v", a.status, a.body, a.err)
			}
		})
	}
}

func TestEntraFaultsComeInTurn(t *testing.T) {
	b := newBench(t, Options{})
	for _, f := range []Fault{{Kind: FaultStatus, Status: 500, Skip: 1, Count: 2}, {Kind: FaultStatus, Status: 502, Skip: 1, Count: 1}} {
		if err := b.FailEntra(f); err != nil {
			t.Fatal(err)
		}
	}
	// The call that the first fault lets pass is the one that the second skips.
	for i, want := range []int{200, 500, 500, 502, 200} {
		if a := b.post(v2Path, b.form()); a.status != want {
			t.Errorf("call %d: %d, want %d", i, a.status, want)
		}
	}
}

func TestHangEndsWhenClearedAndWhenTheClientLeaves(t *testing.T) {
	b := newBench(t, Options{})
	if err := b.FailEntra(Fault{Kind: FaultHang}); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "POST", b.EntraURL+v2Path, strings.NewReader("grant_type=x"))
	left := make(chan answer)
	go func() { left <- exchange(r) }()
	stayed := make(chan answer)
	go func() { stayed <- b.post(v2Path, b.form()) }()
	for b.Stats().TokenCalls["fault:hang"] < 2 {
		<-time.After(time.Millisecond)
	}
	leave()
	if a := <-left; a.err == nil {
		t.Errorf("the one that left: %d", a.status)
	}
	b.ClearEntraFaults()
	if a := <-stayed; a.status != 200 {
		t.Errorf("the one that stayed: %d %v", a.status, a.err)
	}
}

func TestUnknownFaultIsRefused(t *testing.T) {
	tenant := New(Options{Key: sharedKey()})
	if err := tenant.FailEntra(Fault{Kind: FaultThrottle}); err == nil {
		t.Error("Entra took a fault of Dataverse's")
	}
	if err := tenant.FailDataverse(Fault{Kind: FaultAADSTS}); err == nil {
		t.Error("Dataverse took a fault of Entra's")
	}
	if err := tenant.FailDataverse(Fault{Kind: FaultClaimsChallenge, Claims: "no JSON"}); err == nil {
		t.Error("took claims that are no JSON")
	}
}
