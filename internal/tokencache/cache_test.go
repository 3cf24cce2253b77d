package tokencache_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/tokencache"
)

func TestColdStartFetchesOnce(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		time.Sleep(200 * time.Millisecond)
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if token, err := c.Token(t.Context()); token != "t1" || err != nil {
					t.Errorf("Token() = %q, %v; want t1", token, err)
				}
			})
		}
		wg.Wait()
		if got := s.calls(); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
	})
}

func TestRenewsAtAThirdOfItsLife(t *testing.T) {
	tests := []struct {
		name      string
		renewAt   float64
		refreshIn int64
		random    float64
		want      time.Duration // between the first fetch and the second
	}{
		{name: "default", random: 0.5, want: 1188 * time.Second},
		{name: "earliest by jitter", random: 0, want: 1069 * time.Second},
		{name: "latest by jitter", random: 0.9999, want: 1306 * time.Second},
		{name: "half", renewAt: 0.5, random: 0.5, want: 1800 * time.Second},
		{name: "server says sooner", refreshIn: 600, random: 0.5, want: 600 * time.Second},
		{name: "server says later", refreshIn: 3000, random: 0.5, want: 1188 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
				return issue(n, time.Hour).WithExtra(map[string]any{"refresh_in": tt.refreshIn}), nil
			}}
			o := tokencache.Options{RenewAt: tt.renewAt, Random: func() float64 { return tt.random }}
			inBubble(t, s, o, func(t *testing.T, c *tokencache.Cache) {
				warm(t, c)
				time.Sleep(tt.want + time.Minute)
				synctest.Wait()
				if got := s.gaps(); len(got) != 1 || (got[0]-tt.want).Abs() > time.Second {
					t.Errorf("renewed after %v, want after %v", got, tt.want)
				}
			})
		})
	}
}

// The heart of it: through a hundred lifetimes nobody ever waits, no dead
// token is handed out, and three or four fetches a lifetime do it.
func TestNobodyWaitsThroughAHundredLifetimes(t *testing.T) {
	const lifetime = 2 * time.Second
	var issued sync.Map // token to time.Time
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		time.Sleep(50 * time.Millisecond)
		token := issue(n, lifetime)
		issued.Store(token.AccessToken, time.Now())
		return token, nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		warm(t, c)
		for range 100 * int(lifetime/time.Millisecond) / 10 {
			token := mustToken(t, c)
			at, _ := issued.Load(token)
			if age := time.Since(at.(time.Time)); age >= lifetime {
				t.Fatalf("%s handed out at the age of %v", token, age)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if got := s.calls(); got < 250 || got > 400 {
			t.Errorf("%d fetches in 100 lifetimes, want 3 or 4 a lifetime", got)
		}
	})
}

func TestFailedRenewalKeepsTheToken(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if n > 1 {
			return nil, fakeError{}
		}
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		warm(t, c)
		time.Sleep(time.Hour - 6*time.Second) // dead 5 s before its expiry
		mustToken(t, c)
		time.Sleep(2 * time.Second)
		if token, ok := c.Live(); ok {
			t.Errorf("%s is alive 4 s before its expiry", token)
		}
	})
}

// While nothing can be had, everybody waits for as long as he himself likes:
// no waiter's wait is added to the next one's.
func TestWaitersKeepTheirOwnDeadlines(t *testing.T) {
	s := &fakeSource{fetch: func(context.Context, int, string) (*oauth2.Token, error) {
		time.Sleep(100 * time.Millisecond)
		return nil, fakeError{}
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		var wg sync.WaitGroup
		start := time.Now()
		for i := range 300 {
			limit := time.Duration(i+1) * 50 * time.Millisecond
			wg.Go(func() {
				_, err := c.Token(within(t, limit))
				var e *tokencache.Error
				if !errors.As(err, &e) || e.Permanent() || e.Refused() {
					t.Errorf("error %#v, want one of no token in time", err)
				}
				if took := time.Since(start); took != limit {
					t.Errorf("waited %v, want %v", took, limit)
				}
			})
		}
		wg.Wait()
		if got := s.calls(); got > 6 {
			t.Errorf("%d fetches in 15 s of backoff, want 6 at most", got)
		}
	})
}

func TestComesBackByItself(t *testing.T) {
	var down atomic.Bool
	down.Store(true)
	s := &fakeSource{}
	s.fetch = func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if down.Load() {
			return nil, fakeError{}
		}
		return issue(n, time.Hour), nil
	}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		time.Sleep(10 * time.Minute)
		down.Store(false)
		time.Sleep(time.Minute + time.Second) // the longest backoff
		mustToken(t, c)
	})
}

func TestFetchGivesUp(t *testing.T) {
	tests := []struct {
		name     string
		lifetime time.Duration
		want     time.Duration
	}{
		{"long-lived", time.Hour, 10 * time.Second},
		{"a quarter", 20 * time.Second, 5 * time.Second},
		{"a second at least", 2 * time.Second, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var took time.Duration
			s := &fakeSource{fetch: func(ctx context.Context, n int, _ string) (*oauth2.Token, error) {
				if n == 1 {
					return issue(n, tt.lifetime), nil
				}
				start := time.Now()
				<-ctx.Done()
				if n == 2 {
					took = time.Since(start)
				}
				return nil, ctx.Err()
			}}
			inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
				warm(t, c)
				time.Sleep(tt.lifetime)
				synctest.Wait()
				if took != tt.want {
					t.Errorf("gave up after %v, want %v", took, tt.want)
				}
			})
		})
	}
}

func TestAWaitersContextDoesNotEndTheFetch(t *testing.T) {
	s := &fakeSource{fetch: func(ctx context.Context, n int, _ string) (*oauth2.Token, error) {
		select {
		case <-time.After(3 * time.Second):
			return issue(n, time.Hour), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		if _, err := c.Token(within(t, time.Second)); err == nil {
			t.Error("a token before the fetch ended")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		mustToken(t, c)
	})
}

func TestAnAnswerWithoutATokenIsAFailure(t *testing.T) {
	tests := []struct {
		name string
		in   *oauth2.Token
	}{
		{"no token", &oauth2.Token{ExpiresIn: 3600}},
		{"no lifetime", &oauth2.Token{AccessToken: "t"}},
		{"lifetime below 0", &oauth2.Token{AccessToken: "t", ExpiresIn: -1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &fakeSource{fetch: func(context.Context, int, string) (*oauth2.Token, error) { return tt.in, nil }}
			inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
				time.Sleep(10 * time.Second)
				if token, ok := c.Live(); ok || s.calls() > 6 {
					t.Errorf("token %q after %d fetches, want none, and backoff", token, s.calls())
				}
			})
		})
	}
}

func TestALateAnswerIsNoToken(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		time.Sleep(3 * time.Second) // a source that does not look at its context
		return issue(n, 2*time.Second), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		time.Sleep(4 * time.Second)
		if token, ok := c.Live(); ok {
			t.Errorf("%s is handed out, though its life counts from the request", token)
		}
	})
}

// A managed identity answers with its own cached token, whose expiry does not
// move, for half of its life or longer.
func TestTheSameExpiryIsNoHotLoop(t *testing.T) {
	var end time.Time
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if n == 1 {
			end = time.Now().Add(24 * time.Hour)
		}
		if left := int64(time.Until(end) / time.Second); left > 0 {
			return &oauth2.Token{AccessToken: "same", ExpiresIn: left}, nil
		}
		end = time.Now().Add(24 * time.Hour)
		return &oauth2.Token{AccessToken: "next", ExpiresIn: 86400}, nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		warm(t, c)
		time.Sleep(24*time.Hour + time.Minute)
		synctest.Wait()
		if got := mustToken(t, c); got != "next" {
			t.Errorf("token %q after the old one's expiry, want next", got)
		}
		if got := s.calls(); got > 40 {
			t.Errorf("%d fetches in a day, want 40 at most", got)
		}
		for i, gap := range s.gaps() {
			if gap < 500*time.Millisecond {
				t.Errorf("fetch %d came %v after the one before", i+2, gap)
			}
		}
	})
}
