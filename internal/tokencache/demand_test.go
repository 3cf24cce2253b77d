package tokencache_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/tokencache"
)

// Claims that the token endpoint cannot do must not stop plain renewals.
func TestClaimsThatCannotBeHad(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, claims string) (*oauth2.Token, error) {
		if claims != "" {
			return nil, fakeError{}
		}
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		_, _, err := c.Reject(warm(t, c), `{"a":1}`, path)(within(t, 10*time.Second))
		var e *tokencache.Error
		if !errors.As(err, &e) || e.Permanent() || e.Refused() {
			t.Errorf("error %v, want no token in time", err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		mustToken(t, c)
		if sent := s.sent(); slices.Contains(sent[5:], `{"a":1}`) {
			t.Errorf("the claims are carried into later fetches: %q", sent)
		}
	})
}

// Two callers are asked for different claims at a time: neither is told that
// a fresh token was refused before it has had one of its own.
func TestTwoClaimsAtATime(t *testing.T) {
	s := &fakeSource{}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		old := warm(t, c)
		a, b := c.Reject(old, `{"a":1}`, path), c.Reject(old, `{"b":1}`, path)
		if token, fresh, err := a(within(t, time.Second)); token != "t2" || !fresh || err != nil {
			t.Errorf("the first gets %q, fresh %v, %v", token, fresh, err)
		}
		token, fresh, err := b(within(t, time.Second))
		if token != "t2" || fresh || err != nil {
			t.Errorf("the second gets %q, fresh %v, %v; want t2, not fresh", token, fresh, err)
		}
		if token, fresh, err := c.Reject(token, `{"b":1}`, path)(within(t, time.Second)); token != "t3" || !fresh || err != nil {
			t.Errorf("and then %q, fresh %v, %v; want t3, fresh", token, fresh, err)
		}
		if want := []string{"", `{"a":1}`, `{"b":1}`}; !slices.Equal(s.sent(), want) {
			t.Errorf("claims sent %q, want %q", s.sent(), want)
		}
	})
}

// All tokens are revoked while a renewal is on its way: what it brings is
// refused too, and the next fetch helps.
func TestRevokedDuringARenewal(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		time.Sleep(2 * time.Second)
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		old := warm(t, c)
		time.Sleep(1187 * time.Second) // 2 s of it were the fetch, so a renewal is on its way
		if s.calls() != 2 {
			t.Fatalf("%d fetches so far, want 2", s.calls())
		}
		token, fresh, err := c.Reject(old, "", path)(within(t, 10*time.Second))
		if token != "t2" || fresh || err != nil {
			t.Fatalf("newer token %q, fresh %v, %v; want t2, not fresh", token, fresh, err)
		}
		if token, fresh, err = c.Reject(token, "", path)(within(t, 10*time.Second)); token != "t3" || !fresh || err != nil {
			t.Errorf("then %q, fresh %v, %v; want t3, fresh", token, fresh, err)
		}
	})
}

// Between the rejection and the wait for its answer a client may take hours to
// send its body.
func TestALateWaitGetsALiveToken(t *testing.T) {
	inBubble(t, &fakeSource{}, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		old := warm(t, c)
		forced, current := c.Reject(old, "", path), c.Reject("t0", "", path)
		time.Sleep(2 * time.Hour)
		for _, wait := range []tokencache.Wait{forced, current} {
			token, fresh, err := wait(within(t, time.Second))
			if token != mustToken(t, c) || fresh || err != nil {
				t.Errorf("handed out %q, fresh %v, %v; want the live %s", token, fresh, err, mustToken(t, c))
			}
		}
	})
}

// The token endpoint wants to be left alone for hours, as it may while a token is
// alive. One that was refused is as good as none.
func TestRefusedDuringALongRetryAfter(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if n == 2 {
			return nil, fakeError{after: 5 * time.Hour}
		}
		return issue(n, 12*time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		old := warm(t, c)
		time.Sleep(5 * time.Hour) // the renewal after 4 of them failed
		wait := c.Reject(old, "", path)
		if token, fresh, err := wait(within(t, time.Minute)); token != "t3" || !fresh || err != nil {
			t.Errorf("token %q, fresh %v, %v; want t3 at once", token, fresh, err)
		}
	})
}

// Somebody has made the lifetime of tokens shorter since the one that is refused
// was issued. The new one is not taken for that one near its end.
func TestAShorterLifetime(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if n == 1 {
			return issue(n, time.Hour), nil
		}
		return issue(n, 4*time.Second), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		token, _, err := c.Reject(warm(t, c), "", path)(within(t, time.Second))
		if token != "t2" || err != nil {
			t.Errorf("token %q, %v; want t2", token, err)
		}
	})
}

// The token endpoint fails when it is asked for claims. That is as if it failed
// at any other time: everybody waits, and gets what was asked for.
func TestAFailureOfAFetchWithClaims(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if n == 2 || n == 3 {
			return nil, fakeError{}
		}
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		old := warm(t, c)
		claims, plain := c.Reject(old, `{"a":1}`, path), c.Reject(old, "", path)
		for _, wait := range []tokencache.Wait{claims, plain} {
			if token, fresh, err := wait(within(t, 10*time.Second)); token != "t4" || !fresh || err != nil {
				t.Errorf("token %q, fresh %v, %v; want t4 once the endpoint is well", token, fresh, err)
			}
		}
	})
}

// Who asks for no claims is not turned away since those of others cannot be had.
func TestRevokedBesideClaimsThatCannotBeHad(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, claims string) (*oauth2.Token, error) {
		if claims != "" {
			return nil, fakeError{}
		}
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		old := warm(t, c)
		c.Reject(old, `{"a":1}`, path)
		if token, fresh, err := c.Reject(old, "", path)(within(t, 30*time.Second)); token != "t6" || !fresh || err != nil {
			t.Errorf("token %q, fresh %v, %v; want t6, after four failures", token, fresh, err)
		}
	})
}
