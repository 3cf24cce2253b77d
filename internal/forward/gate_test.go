package forward_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/forward"
)

// Clients that hang up while they are held leave the queue at once, and are
// never executed for.
func TestClientsThatLeaveTheQueue(t *testing.T) {
	for reason, first := range map[string]func() *http.Response{
		"throttled":   func() *http.Response { return throttled(requestsCode, requestsText, "20") },
		"concurrency": func() *http.Response { time.Sleep(20 * time.Second); return answer(204, "") },
	} {
		synctest.Test(t, func(t *testing.T) {
			const leaving = 300
			b := newBubble(&fakeTokens{}, forward.Options{Gate: forward.NewGate(1, nil)}, func(n int, _ *http.Request) *http.Response {
				if n == 1 {
					return first()
				}
				return answer(204, "")
			})
			var wg sync.WaitGroup
			wg.Go(func() { b.do(t.Context(), "GET", "/first", "") })
			synctest.Wait()
			ctx, leave := context.WithCancel(t.Context())
			for i := range leaving {
				wg.Go(func() {
					if got := b.do(ctx, "POST", "/leaves", "body"); got.Code != 0 || got.at != 5*time.Second {
						t.Errorf("one that left was answered %d at %v", got.Code, got.at)
					}
				})
				if i == leaving/2 {
					wg.Go(func() {
						if got := b.do(t.Context(), "POST", "/stays", "body"); got.Code != 204 || got.at > 21*time.Second {
							t.Errorf("one that stayed was answered %d at %v", got.Code, got.at)
						}
					})
				}
			}
			synctest.Wait()
			if n := b.waiting(reason); n < leaving {
				t.Errorf("%d are %s, want %d", n, reason, leaving)
			}
			time.Sleep(5 * time.Second)
			leave()
			synctest.Wait()
			if n := b.waiting(reason); n > 2 {
				t.Errorf("%d are still %s", n, reason)
			}
			wg.Wait()
			if slices.Contains(b.paths(), "/leaves") {
				t.Error("executed for a client that had gone")
			}
		})
	}
}

// One that goes in the moment in which it would be let go takes no place with it.
func TestClientsThatLeaveAsTheyAreLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leave := func() {}
		b := newBubble(&fakeTokens{}, forward.Options{Gate: forward.NewGate(1, nil)}, func(n int, r *http.Request) *http.Response {
			if r.URL.RequestURI() == "/first" {
				time.Sleep(time.Second)
				leave()
			}
			return answer(204, "")
		})
		var wg sync.WaitGroup
		for range 50 { // since it is a matter of luck
			ctx, cancel := context.WithCancel(t.Context())
			leave = cancel
			wg.Go(func() { b.do(t.Context(), "GET", "/first", "") })
			synctest.Wait()
			wg.Go(func() { b.do(ctx, "POST", "/leaves", "x") })
			wg.Wait()
		}
		if got := b.do(t.Context(), "GET", "/after", ""); got.Code != 204 || b.most != 1 {
			t.Errorf("answered %d; at most %d at one time", got.Code, b.most)
		}
	})
}

// No more than so many are under way; the others wait, in order.
func TestAFixedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(&fakeTokens{}, forward.Options{Gate: forward.NewGate(3, nil)}, func(int, *http.Request) *http.Response {
			time.Sleep(time.Second)
			return answer(204, "")
		})
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				if got := b.do(t.Context(), "POST", fmt.Sprint("/", i), "x"); got.Code != 204 {
					t.Errorf("%d: answered %d %s", i, got.Code, got.Body)
				}
			})
			time.Sleep(time.Millisecond)
		}
		if n := b.waiting("concurrency"); n != 9 {
			t.Errorf("%d wait, want 9", n)
		}
		wg.Wait()
		for i, path := range b.paths() {
			if path != fmt.Sprint("/", i) {
				t.Errorf("attempt %d is for %s", i, path)
			}
		}
		if b.most != 3 {
			t.Errorf("%d at one time, want 3", b.most)
		}
	})
}

func TestNoPlaceWithinMaxWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(&fakeTokens{}, forward.Options{Gate: forward.NewGate(1, nil), MaxWait: 5 * time.Second}, func(int, *http.Request) *http.Response {
			time.Sleep(time.Minute)
			return answer(204, "")
		})
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { b.do(t.Context(), "GET", "/slow", "") })
		synctest.Wait()
		got := b.do(t.Context(), "POST", "/x", "x")
		if got.Code != 429 || got.at != 5*time.Second || got.Header().Get("Retry-After") != "1" ||
			!strings.Contains(got.Body.String(), "dvproxy.throttled") || !strings.Contains(got.Body.String(), "max_concurrent") {
			t.Errorf("answered %d at %v: %s", got.Code, got.at, got.Body)
		}
	})
}

// One that is to be sent again goes before those that came later.
func TestTheEarliestGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(&fakeTokens{}, forward.Options{}, func(n int, r *http.Request) *http.Response {
			if n <= 3 {
				time.Sleep(4*time.Second - time.Duration(n)*time.Second) // the first is refused last
				return throttled(requestsCode, requestsText, "10")
			}
			return answer(204, "")
		})
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() { b.do(t.Context(), "POST", fmt.Sprint("/", i), "x") })
			if synctest.Wait(); i == 2 {
				time.Sleep(2500 * time.Millisecond)
			}
		}
		wg.Wait()
		if got, want := b.paths(), []string{"/0", "/1", "/2", "/0", "/1", "/2", "/3", "/4", "/5"}; !slices.Equal(got, want) {
			t.Errorf("sent %q, want %q", got, want)
		}
	})
}

// The answers of what was under way do not say that the pause has done.
func TestAnswersDuringAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(&fakeTokens{}, forward.Options{}, func(n int, _ *http.Request) *http.Response {
			if n == 50 {
				return throttled(requestsCode, requestsText, "10")
			}
			time.Sleep(5 * time.Second)
			return answer(204, "")
		})
		var wg sync.WaitGroup
		for range 150 {
			wg.Go(func() { b.do(t.Context(), "POST", "/x", "x") })
			synctest.Wait()
		}
		wg.Wait()
		soon := 0
		for _, a := range b.attempts() {
			if a.at >= 10*time.Second && a.at < 10100*time.Millisecond {
				soon++
			}
		}
		if soon == 0 || soon > 5 {
			t.Errorf("%d sent within 100 ms and without an answer, want one, and one more each 25 ms", soon)
		}
	})
}

// A place is for as long as upstream works: a client that takes its time to
// read an answer that is here does not keep it.
func TestASlowReaderKeepsNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(&fakeTokens{}, forward.Options{Gate: forward.NewGate(1, nil)}, func(int, *http.Request) *http.Response {
			return answer(200, "short")
		})
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			w := writer{httptest.NewRecorder(), func() error { time.Sleep(time.Minute); return nil }}
			b.proxy.ServeHTTP(w, httptest.NewRequest("GET", "/slow", nil))
		})
		synctest.Wait()
		if got := b.do(t.Context(), "GET", "/x", ""); got.at != 0 {
			t.Errorf("the next is answered after %v", got.at)
		}
	})
}

// A writer is a client that takes an answer as write says.
type writer struct {
	*httptest.ResponseRecorder
	write func() error
}

func (w writer) Write(p []byte) (int, error) {
	if err := w.write(); err != nil {
		return 0, err
	}
	return w.ResponseRecorder.Write(p)
}

func TestAClientThatLeavesInMidAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(&fakeTokens{}, forward.Options{Gate: forward.NewGate(1, nil)}, func(int, *http.Request) *http.Response {
			return answer(200, strings.Repeat("x", 1<<20))
		})
		func() {
			defer func() { _ = recover() }()
			b.proxy.ServeHTTP(writer{httptest.NewRecorder(), func() error { return io.ErrClosedPipe }}, httptest.NewRequest("GET", "/x", nil))
		}()
		if got := b.do(t.Context(), "GET", "/x", ""); got.Code != 200 || got.at != 0 {
			t.Errorf("the next is answered %d after %v", got.Code, got.at)
		}
	})
}

// However a request ends, its place is there for the next.
func TestPlacesAreGivenBack(t *testing.T) {
	refusedToken := func() *http.Response {
		return answer(401, "", "Www-Authenticate", "Bearer authorization_uri=x")
	}
	for name, end := range map[string]func(n int) *http.Response{
		"answered":           func(int) *http.Response { return answer(200, "whole") },
		"without a body":     func(int) *http.Response { r := answer(204, ""); r.Body = http.NoBody; return r },
		"a long answer":      func(int) *http.Response { return answer(200, strings.Repeat("x", 1<<20), "Content-Type", "text/plain") },
		"no answer":          func(int) *http.Response { return nil },
		"a short one broken": func(int) *http.Response { r := answer(200, "part"); r.ContentLength = 100; r.Body = broken{}; return r },
		"a long one broken":  func(int) *http.Response { r := answer(200, ""); r.ContentLength = -1; r.Body = broken{}; return r },
		"a refused token": func(n int) *http.Response {
			if n == 1 {
				return refusedToken()
			}
			return answer(200, "")
		},
		"a fresh one refused":  func(int) *http.Response { return refusedToken() },
		"throttled":            func(int) *http.Response { return throttled(requestsCode, requestsText, "120") },
		"throttled by plug-in": func(int) *http.Response { return throttled("0x80040265", "", "1") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(&fakeTokens{}, forward.Options{Gate: forward.NewGate(1, nil)}, func(n int, r *http.Request) *http.Response {
					if r.URL.RequestURI() == "/after" {
						return answer(204, "")
					}
					return end(n)
				})
				b.do(t.Context(), "POST", "/x", "x")
				time.Sleep(3 * time.Minute)
				before := time.Since(b.start)
				if got := b.do(t.Context(), "POST", "/after", "x"); got.Code != 204 || got.at != before {
					t.Errorf("the next is answered %d after %v", got.Code, got.at-before)
				}
			})
		})
	}
}

// A broken body ends before it should.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, context.DeadlineExceeded }
func (broken) Close() error             { return nil }
