package tokencache_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/tokencache"
)

func TestAHundredRejectionsAreOneFetch(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		time.Sleep(100 * time.Millisecond)
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		old := warm(t, c)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 3 * time.Millisecond) // some after the newer one is there
				token, _, err := c.Reject(old, "", path)(t.Context())
				if token != "t2" || err != nil {
					t.Errorf("newer token %q, %v; want t2", token, err)
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		if token := mustToken(t, c); token != old {
			t.Errorf("others are given %s during the fetch, want %s", token, old)
		}
		wg.Wait()
		if got := s.calls(); got != 2 {
			t.Errorf("%d fetches, want 2", got)
		}
	})
}

func TestRejectingAnEarlierTokenFetchesNothing(t *testing.T) {
	s := &fakeSource{}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		warm(t, c)
		token, fresh, err := c.Reject("t0", "", path)(t.Context())
		if token != "t1" || fresh || err != nil {
			t.Errorf("newer token %q, fresh %v, %v; want the current t1", token, fresh, err)
		}
		if got := s.calls(); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
	})
}

// While forced fetches help, the next one may follow at once.
func TestForcedFetchesThatHelpAreFree(t *testing.T) {
	s := &fakeSource{}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		token := warm(t, c)
		start := time.Now()
		for i := range 20 {
			newer, fresh, err := c.Reject(token, "", path)(t.Context())
			if newer == token || !fresh || err != nil {
				t.Fatalf("rejection %d: %q, fresh %v, %v", i, newer, fresh, err)
			}
			c.Replayed(newer, path, true)
			token = newer
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("20 revocations took %v, want no wait", took)
		}
	})
}

// A path that refuses every token gets a fresh one now and then, and answers
// at once in between.
func TestForcedFetchesThatDoNotHelpAreSpaced(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		return issue(n, 24*time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		warm(t, c)
		for range 100 * 10 { // 100 s, ten requests a second
			token := mustToken(t, c)
			start := time.Now()
			newer, fresh, err := c.Reject(token, "", path)(t.Context())
			if err == nil && fresh {
				c.Replayed(newer, path, false)
			}
			var e *tokencache.Error
			if err != nil && (!errors.As(err, &e) || !e.Refused() || e.RetryAfter() <= 0) {
				t.Fatalf("error %v, want one that says refused", err)
			}
			if time.Since(start) != 0 {
				t.Fatalf("a refused request waited %v", time.Since(start))
			}
			time.Sleep(100 * time.Millisecond)
		}
		var got []time.Duration
		for _, gap := range s.gaps() {
			got = append(got, gap.Round(time.Second))
		}
		want := []time.Duration{0, 0, 0, 1e9, 2e9, 4e9, 8e9, 16e9, 30e9, 30e9}
		if !slices.Equal(got, want) {
			t.Errorf("fetches are %v apart, want %v", got, want)
		}
	})
}

// Many replays of one fresh token are refused together: that is one verdict.
func TestOneFreshTokenIsJudgedOnce(t *testing.T) {
	s := &fakeSource{}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		token := warm(t, c)
		for range 3 {
			newer, fresh, err := c.Reject(token, "", path)(t.Context())
			if !fresh || err != nil {
				t.Fatalf("newer token %q, fresh %v, %v; want a fresh one", newer, fresh, err)
			}
			for range 64 {
				c.Replayed(newer, path, false)
			}
			token = newer
		}
		_, _, err := c.Reject(token, "", path)(t.Context())
		var e *tokencache.Error
		if !errors.As(err, &e) || e.RetryAfter() > time.Second {
			t.Errorf("error %v, want a gap of 1 s at most", err)
		}
	})
}

// The one that got the fresh token has not reported yet when another is
// refused with it: no fetch for each of them.
func TestRefusalOfAnUnprovenTokenIsAVerdict(t *testing.T) {
	s := &fakeSource{}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		newer, _, _ := c.Reject(warm(t, c), "", path)(t.Context())
		for range 2 {
			newer, _, _ = c.Reject(newer, "", path)(t.Context())
		}
		_, _, err := c.Reject(newer, "", path)(t.Context())
		var e *tokencache.Error
		if !errors.As(err, &e) || !e.Refused() || s.calls() != 4 {
			t.Errorf("error %v after %d fetches, want refused after 4", err, s.calls())
		}
	})
}

// Tokens are revoked again, and once more, while a hundred requests are sent with
// the token that was fetched because of the time before. Nobody is turned away
// for it.
func TestRevokedThreeTimesInARow(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		time.Sleep(100 * time.Millisecond)
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		old := warm(t, c)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				token := old
				for _, want := range []string{"t2", "t3", "t4"} {
					time.Sleep(time.Duration(i) * time.Millisecond) // the answer takes a while
					newer, fresh, err := c.Reject(token, "", path)(t.Context())
					if newer != want || err != nil {
						t.Errorf("newer token %q, %v; want %s", newer, err, want)
					}
					if token = newer; fresh {
						c.Replayed(token, path, token == "t4")
					}
				}
			})
		}
		wg.Wait()
		if got := s.calls(); got != 4 {
			t.Errorf("%d fetches, want 4", got)
		}
		if _, fresh, err := c.Reject(mustToken(t, c), "", path)(t.Context()); !fresh || err != nil {
			t.Errorf("the next revocation: fresh %v, %v; want a fresh token at once", fresh, err)
		}
	})
}

// A path that refused every token a minute ago takes nothing from those whose
// tokens are revoked now.
func TestOldRefusalsAreForgotten(t *testing.T) {
	s := &fakeSource{}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		refused := func() bool {
			newer, fresh, err := c.Reject(mustToken(t, c), "", path)(t.Context())
			if fresh {
				c.Replayed(newer, path, false)
			}
			return err != nil
		}
		warm(t, c)
		for range 2 {
			if got := []bool{refused(), refused(), refused(), refused()}; !slices.Equal(got, []bool{false, false, false, true}) {
				t.Errorf("turned away: %v, want only the fourth", got)
			}
			time.Sleep(61 * time.Second)
		}
	})
}

func TestClaims(t *testing.T) {
	const claims = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`
	s := &fakeSource{}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		old := warm(t, c)
		token, fresh, err := c.Reject(old, claims, path)(t.Context())
		if token != "t2" || !fresh || err != nil {
			t.Fatalf("token for the claims: %q, fresh %v, %v", token, fresh, err)
		}
		if token := mustToken(t, c); token != "t2" {
			t.Errorf("current token %s, want the one with claims", token)
		}
		if token, fresh, _ := c.Reject(old, claims, path)(t.Context()); token != "t2" || fresh {
			t.Errorf("a second challenge on the old token gave %s, fresh %v; want t2 as it is", token, fresh)
		}
		time.Sleep(20 * time.Minute)
		if got, want := s.sent(), []string{"", claims, ""}; !slices.Equal(got, want) {
			t.Errorf("claims sent %q, want %q", got, want)
		}
	})
}

// A token that was fetched because of a plain 401 may lack the claims that
// the replay is then asked for; that is no refusal of it.
func TestClaimsAfterAPlainRejection(t *testing.T) {
	inBubble(t, &fakeSource{}, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		newer, _, _ := c.Reject(warm(t, c), "", path)(t.Context())
		token, fresh, err := c.Reject(newer, "{}", path)(t.Context())
		if token != "t3" || !fresh || err != nil {
			t.Errorf("token for the claims: %q, fresh %v, %v; want t3", token, fresh, err)
		}
	})
}

func TestRejectWaitsThroughAnOutage(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if n > 1 && n < 5 {
			return nil, fakeError{}
		}
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		old := warm(t, c)
		wait := c.Reject(old, "", path)
		_, _, err := wait(within(t, time.Second))
		var e *tokencache.Error
		if !errors.As(err, &e) || e.Permanent() || e.Refused() {
			t.Errorf("error %v, want no token in time", err)
		}
		if token, fresh, err := wait(within(t, time.Minute)); token != "t5" || !fresh || err != nil {
			t.Errorf("token %q, fresh %v, %v; want t5 after the outage", token, fresh, err)
		}
	})
}

func TestTheSameTokenAgainIsARefusal(t *testing.T) {
	s := &fakeSource{fetch: func(context.Context, int, string) (*oauth2.Token, error) {
		return issue(0, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		for range 50 {
			_, _, err := c.Reject(warm(t, c), "", path)(within(t, time.Minute))
			var e *tokencache.Error
			if !errors.As(err, &e) || !e.Refused() {
				t.Fatalf("error %v, want refused", err)
			}
		}
		if got := s.calls(); got != 2 {
			t.Errorf("%d fetches, want 2", got)
		}
	})
}

func TestRejectWithoutALiveToken(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		time.Sleep(time.Second)
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		token, fresh, err := c.Reject("t0", "", path)(within(t, time.Minute))
		if token != "t1" || fresh || err != nil {
			t.Errorf("token %q, fresh %v, %v; want t1", token, fresh, err)
		}
	})
}
