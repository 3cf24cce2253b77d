package forward_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/forward"
)

// One 429 holds all 64 clients: nothing is sent in its time, then all are, in
// order, without a burst, and each is answered well.
func TestA429HoldsTheEnvironment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, pause, latency = 64, 7 * time.Second, 10 * time.Millisecond
		b := newBubble(&fakeTokens{}, forward.Options{}, func(n int, _ *http.Request) *http.Response {
			time.Sleep(latency)
			if n == 1 {
				return throttled(requestsCode, requestsText, "7")
			}
			return answer(204, "")
		})
		done := make(chan answered)
		go func() { done <- b.do(t.Context(), "POST", "/first", "first") }()
		time.Sleep(latency + time.Millisecond)
		for i := range clients {
			go func() { done <- b.do(t.Context(), "POST", fmt.Sprint("/", i), "body") }()
			time.Sleep(time.Millisecond)
		}
		for range clients + 1 {
			if a := <-done; a.Code != 204 || a.at > latency+pause+2*time.Second {
				t.Errorf("answered %d after %v", a.Code, a.at)
			}
		}
		sent := b.attempts()
		if len(sent) != clients+2 || sent[1].path != "/first" || sent[1].body != "first" {
			t.Fatalf("%d attempts, the second %+v", len(sent), sent[1])
		}
		soon := 0
		for i, a := range sent[1:] {
			if i > 0 && a.path != fmt.Sprint("/", i-1) {
				t.Errorf("attempt %d is for %s", i, a.path)
			}
			if a.at < latency+pause {
				t.Errorf("%s was sent after %v", a.path, a.at)
			}
			if a.at < latency+pause+100*time.Millisecond {
				soon++
			}
		}
		if soon > clients/4 {
			t.Errorf("%d were sent in the first 100 ms", soon)
		}
		if n := b.waiting("throttled"); n != 0 {
			t.Errorf("%d are held in the end", n)
		}
	})
}

// While the window is still closed, one request after the other finds out.
func TestAWindowThatStaysClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(&fakeTokens{}, forward.Options{}, func(n int, _ *http.Request) *http.Response {
			time.Sleep(20 * time.Millisecond)
			if time.Now().Second() < 30 {
				return throttled(requestsCode, requestsText, "5")
			}
			return answer(204, "")
		})
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute)))
		go b.do(t.Context(), "GET", "/first", "")
		time.Sleep(time.Second)
		for i, a := range b.crowd(t, 50, "POST") {
			if a.Code != 204 {
				t.Errorf("%d: answered %d", i, a.Code)
			}
		}
		if n := len(b.attempts()); n != 51+6 {
			t.Errorf("%d attempts for 51 requests, want 6 more than that in 30 s", n)
		}
	})
}

// Only service protection is waited for. All else is an answer, and may be
// that of a plug-in which has run.
func TestWhich429s(t *testing.T) {
	date := func(d time.Duration) string { return time.Now().UTC().Add(d).Format(http.TimeFormat) }
	body := func(code string) string { return `{"error":{"code":"` + code + `","message":"limit of 52."}}` }
	tests := map[string]struct {
		answer func() *http.Response
		wait   time.Duration // until the second attempt; 0: there is none
	}{
		"execution time": {func() *http.Response { return answer(429, body("0x80072321"), "Content-Type", v4, "Retry-After", "3") }, 3 * time.Second},
		"requests":       {func() *http.Response { return answer(429, body("0x80072322"), "Content-Type", v4, "Retry-After", "3") }, 3 * time.Second},
		"concurrency":    {func() *http.Response { return answer(429, body("0x80072326"), "Content-Type", v4, "Retry-After", "3") }, 3 * time.Second},
		"a date": {func() *http.Response {
			return answer(429, body(requestsCode), "Content-Type", v4, "Retry-After", date(9*time.Second))
		}, 9 * time.Second},
		"a date, other hour": {func() *http.Response {
			return answer(429, body(requestsCode), "Content-Type", v4, "Date", date(time.Hour), "Retry-After", date(time.Hour+9*time.Second))
		}, 9 * time.Second},
		"no Retry-After": {func() *http.Response { return answer(429, body(requestsCode), "Content-Type", v4) }, time.Second},
		"compressed": {func() *http.Response {
			return answer(429, gzipped(body(requestsCode)), "Content-Type", v4, "Content-Encoding", "gzip", "Retry-After", "3")
		}, 3 * time.Second},
		"OData v2": {func() *http.Response {
			return answer(429, `{"error":{"code":"0x80072322","message":{"lang":"en-US","value":"no"}}}`, "Content-Type", "application/json", "Retry-After", "3")
		}, 3 * time.Second},
		"a plug-in's code": {func() *http.Response { return answer(429, body("0x80040265"), "Content-Type", v4, "Retry-After", "3") }, 0},
		"no code":          {func() *http.Response { return answer(429, `{"error":{}}`, "Content-Type", v4, "Retry-After", "3") }, 0},
		"no JSON":          {func() *http.Response { return answer(429, `{"error":`, "Content-Type", v4, "Retry-After", "3") }, 0},
		"the code in HTML": {func() *http.Response {
			return answer(429, body(requestsCode), "Content-Type", "text/html", "Retry-After", "3")
		}, 0},
		"the code in a 503": {func() *http.Response { return answer(503, body(requestsCode), "Content-Type", v4, "Retry-After", "3") }, 0},
		"the code, too long": {func() *http.Response {
			return answer(429, body(requestsCode)+strings.Repeat(" ", 70<<10), "Content-Type", v4, "Retry-After", "3")
		}, 0},
	}
	for name, tt := range tests {
		for _, acceptsGzip := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(&fakeTokens{}, forward.Options{}, func(n int, _ *http.Request) *http.Response {
					if n == 1 {
						return tt.answer()
					}
					return answer(204, "")
				})
				r := httptest.NewRequest("POST", "/x", strings.NewReader("body"))
				if acceptsGzip {
					r.Header.Set("Accept-Encoding", "gzip")
				}
				got := httptest.NewRecorder()
				b.proxy.ServeHTTP(got, r)
				sent, want := b.attempts(), tt.answer()
				if tt.wait == 0 {
					wanted, _ := io.ReadAll(want.Body)
					if len(sent) != 1 || got.Code != want.StatusCode || got.Body.String() != string(wanted) || got.Header().Get("Retry-After") != "3" {
						t.Errorf("%s: %d attempts, answered %d, %d bytes", name, len(sent), got.Code, got.Body.Len())
					}
					return
				}
				if len(sent) != 2 || got.Code != 204 || sent[1].at != tt.wait || sent[1].body != "body" {
					t.Errorf("%s, gzip %v: %+v, answered %d %s", name, acceptsGzip, sent, got.Code, got.Body)
				}
			})
		}
	}
}

// What does not fit in max_wait goes to the client, with the time that is left.
func TestPastTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(&fakeTokens{}, forward.Options{MaxWait: 10 * time.Second}, func(n int, _ *http.Request) *http.Response {
			return throttled(requestsCode, requestsText, "30")
		})
		own := b.do(t.Context(), "POST", "/own", "x")
		if own.Code != 429 || own.at != 0 || own.Header().Get("Retry-After") != "30" || !strings.Contains(own.Body.String(), requestsText) || own.Header().Get("Proxy-Status") != "" {
			t.Errorf("its own: %d at %v, Retry-After %s, %s", own.Code, own.at, own.Header().Get("Retry-After"), own.Body)
		}
		other := b.do(t.Context(), "POST", "/other", "x")
		if other.Code != 429 || other.at != 10*time.Second || other.Header().Get("Retry-After") != "20" ||
			!strings.Contains(other.Body.String(), "dvproxy.throttled") || !strings.HasPrefix(other.Header().Get("Proxy-Status"), "dvproxy; error=") {
			t.Errorf("another: %d at %v, Retry-After %s, %s", other.Code, other.at, other.Header().Get("Retry-After"), other.Body)
		}
		if n := len(b.attempts()); n != 1 {
			t.Errorf("%d attempts, want 1", n)
		}
	})
}

// A pause that others lengthen leaves its own 429 to a request, with the time
// that is left in the end.
func TestAPauseThatIsLengthened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(&fakeTokens{}, forward.Options{MaxWait: 10 * time.Second}, func(n int, r *http.Request) *http.Response {
			if r.URL.RequestURI() == "/slow" {
				time.Sleep(5 * time.Second)
				return throttled(requestsCode, requestsText, "40")
			}
			return throttled(requestsCode, requestsText, "8")
		})
		go b.do(t.Context(), "GET", "/slow", "")
		time.Sleep(time.Second)
		got := b.do(t.Context(), "POST", "/x", "x")
		if got.Code != 429 || got.at != 11*time.Second || got.Header().Get("Retry-After") != "34" || !strings.Contains(got.Body.String(), requestsText) {
			t.Errorf("answered %d at %v, Retry-After %s: %s", got.Code, got.at, got.Header().Get("Retry-After"), got.Body)
		}
	})
}

// A body that is no longer there is not sent again, and all others are held.
func TestA429OnABodyThatCannotBeReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(&fakeTokens{}, forward.Options{MaxBody: 10}, func(n int, _ *http.Request) *http.Response {
			if n == 1 {
				return throttled(requestsCode, requestsText, "3")
			}
			return answer(204, "")
		})
		large := b.do(t.Context(), "POST", "/large", strings.Repeat("x", 100<<10))
		if large.Code != 429 || !strings.Contains(large.Body.String(), requestsCode) {
			t.Errorf("answered %d %s", large.Code, large.Body)
		}
		if got := b.do(t.Context(), "POST", "/x", "x"); got.Code != 204 || got.at != 3*time.Second {
			t.Errorf("another is answered %d at %v", got.Code, got.at)
		}
	})
}

// Each attempt takes the token that is there then.
func TestTheTokenIsTakenAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := &fakeTokens{live: func() (string, bool) { return strconv.Itoa(time.Now().Second()), true }}
		b := newBubble(tokens, forward.Options{}, func(n int, _ *http.Request) *http.Response {
			if n == 1 {
				return throttled(requestsCode, requestsText, "7")
			}
			return answer(204, "")
		})
		b.do(t.Context(), "POST", "/x", "x")
		if sent := b.attempts(); len(sent) != 2 || sent[0].token == sent[1].token {
			t.Errorf("attempts %+v", sent)
		}
	})
}

// A pause that begins while a request waits for a token holds it too.
func TestAPauseDuringAWaitForAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var later time.Time
		tokens := &fakeTokens{
			live: func() (string, bool) { return "t", !time.Now().Before(later) },
			token: func(context.Context) (string, error) {
				time.Sleep(time.Until(later))
				return "t", nil
			},
		}
		b := newBubble(tokens, forward.Options{}, func(n int, _ *http.Request) *http.Response {
			if n == 1 {
				time.Sleep(time.Second)
				return throttled(requestsCode, requestsText, "5")
			}
			return answer(204, "")
		})
		go b.do(t.Context(), "GET", "/first", "")
		synctest.Wait()
		later = time.Now().Add(2 * time.Second)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if got := b.do(t.Context(), "POST", "/x", "x"); got.Code != 204 || got.at < 6*time.Second {
					t.Errorf("answered %d at %v, which is in the pause", got.Code, got.at)
				}
			})
		}
		wg.Wait()
		if burst := b.sent[20].at - b.sent[1].at; burst < 300*time.Millisecond {
			t.Errorf("20 requests were sent within %v of the end of the pause", burst)
		}
	})
}
