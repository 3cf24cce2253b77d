package simulator

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// limited is a tenant inside a bubble of fake time.
type limited struct {
	tenant *Tenant
	token  string
}

func newLimited(l Limits) *limited {
	tenant := New(Options{Key: sharedKey(), Limits: l})
	return &limited{tenant, tenant.IssueToken("http://example.com")}
}

func (l *limited) ask() *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/api/data/v9.2/WhoAmI", nil)
	r.Header.Set("Authorization", "Bearer "+l.token)
	l.tenant.Dataverse().ServeHTTP(w, r)
	return w
}

func wantThrottled(t *testing.T, w *httptest.ResponseRecorder, code, retryAfter string) {
	t.Helper()
	if w.Code != http.StatusTooManyRequests || !strings.Contains(w.Body.String(), `"code":"`+code+`"`) || w.Header().Get("Retry-After") != retryAfter {
		t.Errorf("%d, Retry-After %q, %s; want %s after %s", w.Code, w.Header().Get("Retry-After"), w.Body, code, retryAfter)
	}
}

func TestRequestsPerWindow(t *testing.T) {
	sharedKey() // made outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		l := newLimited(Limits{Requests: 3, Window: 10 * time.Second})
		for _, left := range []string{"2", "1", "0"} {
			w := l.ask()
			if w.Code != 200 || w.Header()[headerBurstLeft][0] != left {
				t.Errorf("%d, remaining %v, want %s", w.Code, w.Header()[headerBurstLeft], left)
			}
			time.Sleep(time.Second)
		}
		wantThrottled(t, l.ask(), codeRequests, "8")
		wantThrottled(t, l.ask(), codeRequests, "9") // pushing on takes longer
		time.Sleep(9 * time.Second)
		if w := l.ask(); w.Code != 200 {
			t.Errorf("after the wait: %d", w.Code)
		}
		if got := l.tenant.Stats().Throttled[codeRequests]; got != 2 {
			t.Errorf("throttled %d, want 2", got)
		}
	})
}

func TestExecutionTimePerWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProtection(Limits{Execution: 20 * time.Minute})
		for range 2 {
			leave, over := p.enter(time.Now())
			if over != nil {
				t.Fatalf("%+v", over)
			}
			time.Sleep(time.Second)
			leave(time.Now().Add(10 * time.Minute))
		}
		_, over := p.enter(time.Now())
		if over == nil || over.code != codeExecution || !strings.Contains(over.message, "limit of 1,200,000  milliseconds over time window of 300 seconds.") {
			t.Errorf("%+v", over)
		}
		h := http.Header{}
		p.reset(Limits{})
		p.stamp(h, time.Now())
		if h[headerTimeLeft][0] != "1,200.00" {
			t.Errorf("time remaining %v", h[headerTimeLeft])
		}
	})
}

func TestConcurrentRequests(t *testing.T) {
	b := newBench(t, Options{Limits: Limits{Concurrent: 1}})
	// A request whose body does not end is at work until it does.
	conn := openUpload(t, b)
	for b.Stats().MaxConcurrent < 1 {
		<-time.After(time.Millisecond)
	}
	b.data("GET", accounts, "").want(t, 429, "0x80072326")
	if got := b.Stats(); got.MaxConcurrent != 2 || got.Throttled[codeConcurrent] != 1 {
		t.Errorf("max concurrent %d, throttled %v", got.MaxConcurrent, got.Throttled)
	}
	conn.Close()
}

func TestThousands(t *testing.T) {
	for in, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1200000: "1,200,000", 12345: "12,345"} {
		if got := thousands(in); got != want {
			t.Errorf("%d: %s, want %s", in, got, want)
		}
	}
}
