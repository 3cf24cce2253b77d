package tokencache_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/tokencache"
)

// inheriting runs f with a cache that has inherited what the first one got, of
// which age has passed.
func inheriting(t *testing.T, age time.Duration, s *fakeSource, f func(t *testing.T, c *tokencache.Cache)) {
	t.Helper()
	first := &fakeSource{fetch: func(context.Context, int, string) (*oauth2.Token, error) {
		return &oauth2.Token{AccessToken: "inherited", ExpiresIn: 3600}, nil
	}}
	inBubble(t, first, tokencache.Options{RenewAt: 0.9}, func(t *testing.T, old *tokencache.Cache) {
		synctest.Wait()
		time.Sleep(age)
		c := tokencache.New(s, tokencache.Options{Uptime: unknownUptime, Clock: (&skewedClock{}).now})
		c.Inherit(old)
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() { defer close(stopped); c.Run(ctx) }()
		f(t, c)
		stop()
		<-stopped
	})
}

// The new way to sign in is tried at once, and the old token serves meanwhile.
func TestInheritedTokenServesUntilThereIsAnother(t *testing.T) {
	slow := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		time.Sleep(5 * time.Second)
		return issue(n, time.Hour), nil
	}}
	inheriting(t, 20*time.Minute, slow, func(t *testing.T, c *tokencache.Cache) {
		if token := mustToken(t, c); token != "inherited" {
			t.Errorf("at first %q", token)
		}
		synctest.Wait()
		if slow.calls() != 1 {
			t.Errorf("%d fetches at once, want 1", slow.calls())
		}
		time.Sleep(6 * time.Second)
		if token := mustToken(t, c); token != "t1" {
			t.Errorf("then %q", token)
		}
	})
}

// One that does not work leaves what there was for as long as that lives, counted
// from when its own request was sent.
func TestInheritedTokenOutlivesARefusal(t *testing.T) {
	broken := &fakeSource{fetch: func(context.Context, int, string) (*oauth2.Token, error) { return nil, fakeError{permanent: true} }}
	inheriting(t, 20*time.Minute, broken, func(t *testing.T, c *tokencache.Cache) {
		time.Sleep(39 * time.Minute)
		if token := mustToken(t, c); token != "inherited" {
			t.Errorf("after a refusal %q", token)
		}
		if s := c.Status(); s.LastError == nil {
			t.Error("the refusal does not show")
		}
		time.Sleep(time.Minute)
		if _, ok := c.Live(); ok {
			t.Error("it outlives its own end")
		}
	})
}

// A dead token is not inherited, and neither is none.
func TestNothingToInherit(t *testing.T) {
	broken := func() *fakeSource {
		return &fakeSource{fetch: func(context.Context, int, string) (*oauth2.Token, error) { return nil, errors.New("no") }}
	}
	s := broken()
	first := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if n == 1 {
			return issue(n, time.Minute), nil
		}
		return nil, errors.New("no")
	}}
	inBubble(t, first, tokencache.Options{}, func(t *testing.T, old *tokencache.Cache) {
		synctest.Wait()
		time.Sleep(time.Hour)
		c, never := tokencache.New(s, tokencache.Options{}), tokencache.New(broken(), tokencache.Options{})
		c.Inherit(old)
		c.Inherit(never)
		if token, ok := c.Live(); ok || !c.Status().Expires.IsZero() {
			t.Errorf("it has %q", token)
		}
	})
}
