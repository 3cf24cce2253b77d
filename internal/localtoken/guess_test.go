package localtoken_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/localtoken"
)

// guess asks the token endpoint from an address.
func (l *listener) guess(remote, id, secret string) *httptest.ResponseRecorder {
	r := post(v2(), credentials("client_id", id, "client_secret", secret).Encode())
	r.RemoteAddr = remote
	return l.do(r)
}

const here = "127.0.0.1:5000"

// TestSameWrongSecretIsSlowedDown, but stands in nobody's way: a copy of the
// client that was forgotten when the secret changed asks on and on.
func TestSameWrongSecretIsSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, "contoso", nightly())
		counts := map[int]int{}
		for range 1000 {
			w := l.guess(here, "nightly", "old")
			counts[w.Code]++
			if w.Code != http.StatusTooManyRequests {
				continue
			}
			if got := object(t, w); got["error"] != "temporarily_unavailable" || w.Header().Get("Retry-After") != "10" {
				t.Fatalf("answered %v, Retry-After: %q", got, w.Header().Get("Retry-After"))
			}
		}
		if counts[401] != 5 || counts[429] != 995 {
			t.Errorf("answers by status: %v", counts)
		}
		if w := l.guess(here, "nightly", secret); w.Code != http.StatusOK {
			t.Errorf("the right secret: answered %d", w.Code)
		}
		if passed, _ := l.asks(basic("nightly", secret)); !passed {
			t.Error("the right secret by Basic is refused")
		}
		time.Sleep(10 * time.Second)
		if w := l.guess(here, "nightly", "old"); w.Code != http.StatusUnauthorized {
			t.Errorf("after Retry-After: answered %d", w.Code)
		}
	})
}

// TestGuessing: after some guesses even the right secret is refused, or else
// the limit would tell right from wrong.
func TestGuessing(t *testing.T) {
	tests := []struct {
		name  string
		guess func(l *listener, n int) *httptest.ResponseRecorder
		free  int           // guesses that are looked at
		every time.Duration // until the next is
	}{
		{"one id, one address", func(l *listener, n int) *httptest.ResponseRecorder {
			return l.guess(here, "nightly", strconv.Itoa(n))
		}, 20, 10 * time.Second},
		{"one id, any case", func(l *listener, n int) *httptest.ResponseRecorder {
			return l.guess(here, []string{"nightly", "NIGHTLY"}[n%2], strconv.Itoa(n))
		}, 20, 10 * time.Second},
		{"one id, many addresses", func(l *listener, n int) *httptest.ResponseRecorder {
			return l.guess(fmt.Sprintf("10.0.%d.%d:1", n/250, n%250), "nightly", strconv.Itoa(n))
		}, 20, 10 * time.Second},
		{"many ids, one address", func(l *listener, n int) *httptest.ResponseRecorder {
			return l.guess(here, strconv.Itoa(n), "password")
		}, 50, 2 * time.Second},
		{"many ids, one IPv6 network", func(l *listener, n int) *httptest.ResponseRecorder {
			return l.guess(fmt.Sprintf("[2001:db8::%x]:1", n), strconv.Itoa(n), "password")
		}, 50, 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := listen(t, "contoso", nightly())
				n, seen := 0, 0
				try := func() bool {
					n++
					return tt.guess(l, n).Code == http.StatusUnauthorized
				}
				for range 300 {
					if try() {
						seen++
					}
				}
				if seen != tt.free {
					t.Errorf("%d guesses were looked at, want %d", seen, tt.free)
				}
				if w := l.guess("127.0.0.1:6000", "nightly", secret); tt.name != "many ids, one IPv6 network" && w.Code != http.StatusTooManyRequests {
					t.Errorf("the right secret: answered %d", w.Code)
				}
				if w := l.guess("192.0.2.1:1", "hourly", "another"); w.Code != http.StatusOK {
					t.Errorf("another client at another address: answered %d", w.Code)
				}
				time.Sleep(tt.every)
				if !try() || try() {
					t.Errorf("after %v one guess should be looked at", tt.every)
				}
			})
		})
	}
}

// TestGuessingAtTheDoor: the same limits hold for requests, with the status
// that a refusal has there.
func TestGuessingAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, "contoso", nightly())
		token := l.token(t)
		for n := range 100 {
			l.asks(basic("nightly", strconv.Itoa(n)))
		}
		passed, w := l.asks(basic("nightly", secret))
		if passed || w.Code != http.StatusUnauthorized {
			t.Errorf("Basic after many guesses: passed: %v (%d)", passed, w.Code)
		}
		for n := range 100 {
			l.asks("Bearer " + strconv.Itoa(n))
		}
		if passed, _ := l.asks("Bearer " + secret); passed {
			t.Error("Bearer after many guesses is looked at")
		}
		if !opens(l, token) {
			t.Error("a token is refused because of guesses")
		}
	})
}

// TestForeignTokensAreNoGuesses: a client that sends fresh tokens of Entra
// must not lock out its neighbours.
func TestForeignTokensAreNoGuesses(t *testing.T) {
	l := listen(t, "contoso", nightly())
	for n := range 1000 {
		l.asks(fmt.Sprintf("Bearer eyJ0eXAiOiJKV1QifQ.e30.%d", n))
	}
	if passed, _ := l.asks(basic("nightly", secret)); !passed {
		t.Error("a client is locked out by its neighbour's mistake")
	}
}

func TestRetryAfterReachesTheRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got localtoken.Refusal
		o := nightly()
		o.OnRefusal = func(_ http.ResponseWriter, _ *http.Request, r localtoken.Refusal) { got = r }
		i, err := localtoken.New("contoso", o)
		if err != nil {
			t.Fatal(err)
		}
		protected := i.Protect(http.NotFoundHandler())
		for range 6 {
			r := httptest.NewRequest(http.MethodGet, "/api", nil)
			r.Header.Set("Authorization", basic("nightly", "old"))
			protected.ServeHTTP(httptest.NewRecorder(), r)
		}
		if got.RetryAfter != 10*time.Second {
			t.Errorf("RetryAfter %v", got.RetryAfter)
		}
	})
}
