package tokencache_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/tokencache"
)

// path is what the requests of a test have in common, unless it says otherwise.
const path = "GET /accounts"

// A fakeSource issues "t1", "t2", ... and remembers when it was asked.
type fakeSource struct {
	fetch func(ctx context.Context, n int, claims string) (*oauth2.Token, error) // nil: issue a token of an hour

	mu        sync.Mutex // guards the fields below
	asked     []time.Time
	claims    []string
	inFlight  int
	mostAtOne int
}

func (s *fakeSource) Token(ctx context.Context, claims string) (*oauth2.Token, error) {
	s.mu.Lock()
	s.asked = append(s.asked, time.Now())
	s.claims = append(s.claims, claims)
	n := len(s.asked)
	s.inFlight++
	s.mostAtOne = max(s.mostAtOne, s.inFlight)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.inFlight--
		s.mu.Unlock()
	}()
	if s.fetch == nil {
		return issue(n, time.Hour), nil
	}
	return s.fetch(ctx, n, claims)
}

func (s *fakeSource) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// sent are the claims of each fetch.
func (s *fakeSource) sent() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.claims)
}

// gaps are the times between one fetch and the next.
func (s *fakeSource) gaps() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var gaps []time.Duration
	for i := 1; i < len(s.asked); i++ {
		gaps = append(gaps, s.asked[i].Sub(s.asked[i-1]))
	}
	return gaps
}

func issue(n int, lifetime time.Duration) *oauth2.Token {
	return &oauth2.Token{AccessToken: fmt.Sprintf("t%d", n), ExpiresIn: int64(lifetime / time.Second)}
}

// A skewedClock is the bubble's clock, with the wall clock moved by hand:
// forward as a suspend does, or back as an operator does.
type skewedClock struct {
	wall atomic.Int64 // added to the wall clock, ns
}

func (c *skewedClock) now() (time.Time, time.Duration) {
	now := time.Now()
	return now.Add(time.Duration(c.wall.Load())), now.Sub(time.Unix(0, 0))
}

func (c *skewedClock) stepWall(d time.Duration) { c.wall.Add(int64(d)) }

// A fakeError has the methods by which a source says what kind it is of.
type fakeError struct {
	permanent bool
	after     time.Duration
}

func (e fakeError) Error() string             { return "the endpoint said no" }
func (e fakeError) Permanent() bool           { return e.permanent }
func (e fakeError) RetryAfter() time.Duration { return e.after }

// inBubble runs f in a synctest bubble with a cache that is running. Without
// jitter (random always half), unless o says otherwise.
func inBubble(t *testing.T, s *fakeSource, o tokencache.Options, f func(t *testing.T, c *tokencache.Cache)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if o.Random == nil {
			o.Random = func() float64 { return 0.5 }
		}
		if o.Uptime == nil {
			o.Uptime = unknownUptime
		}
		c := tokencache.New(s, o)
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() { defer close(stopped); c.Run(ctx) }()
		f(t, c)
		stop()
		<-stopped
		if s.mostAtOne > 1 {
			t.Errorf("%d fetches in flight at a time, want 1 at most", s.mostAtOne)
		}
	})
}

// within returns a context that ends after d.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// mustToken fails the test unless a token comes without any wait.
func mustToken(t *testing.T, c *tokencache.Cache) string {
	t.Helper()
	token, ok := c.Live()
	if !ok {
		t.Fatalf("no live token; status %+v", c.Status())
	}
	return token
}

// warm waits for the first token.
func warm(t *testing.T, c *tokencache.Cache) string {
	t.Helper()
	token, err := c.Token(within(t, time.Minute))
	if err != nil {
		t.Fatalf("first token: %v", err)
	}
	return token
}
