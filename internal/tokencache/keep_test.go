package tokencache_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/tokencache"
)

// A fakeStore is a disk.
type fakeStore struct {
	hung chan struct{} // if not nil, calls wait until it is closed

	mu    sync.Mutex // guards the fields below
	kept  *tokencache.Kept
	calls []string
}

func (s *fakeStore) enter(call string) (leave func()) {
	if s.hung != nil {
		<-s.hung
	}
	s.mu.Lock()
	s.calls = append(s.calls, call)
	return s.mu.Unlock
}

func (s *fakeStore) Load() (tokencache.Kept, bool) {
	defer s.enter("load")()
	if s.kept == nil {
		return tokencache.Kept{}, false
	}
	return *s.kept, true
}

func (s *fakeStore) Save(k tokencache.Kept) {
	defer s.enter("save " + k.Token)()
	s.kept = &k
}

func (s *fakeStore) Forget(token string) {
	defer s.enter("forget " + token)()
	if s.kept != nil && s.kept.Token == token {
		s.kept = nil
	}
}

func (s *fakeStore) did() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func wantCalls(t *testing.T, s *fakeStore, want ...string) {
	t.Helper()
	synctest.Wait()
	if got := s.did(); !slices.Equal(got, want) {
		t.Errorf("the store was told %q, want %q", got, want)
	}
}

func unknownUptime() (string, time.Duration) { return "", 0 }

// run is one process: a cache that runs until f returns.
func run(t *testing.T, s *fakeSource, o tokencache.Options, f func(c *tokencache.Cache)) {
	t.Helper()
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
	synctest.Wait()
	f(c)
	stop()
	<-stopped
}

// A restart costs no fetch, and moves no renewal.
func TestATokenOutlivesTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store := &fakeSource{}, &fakeStore{}
		o := tokencache.Options{Store: store}
		run(t, s, o, func(c *tokencache.Cache) { warm(t, c) })
		wantCalls(t, store, "load", "save t1")
		time.Sleep(10 * time.Minute)
		run(t, s, o, func(c *tokencache.Cache) {
			if token := mustToken(t, c); token != "t1" || s.calls() != 1 {
				t.Errorf("after a restart the token is %s, after %d fetches; want t1 after 1", token, s.calls())
			}
			if got := c.Status().Runway; got != 50*time.Minute-5*time.Second {
				t.Errorf("runway %v, want what is left of the hour less 5 s", got)
			}
			time.Sleep(10 * time.Minute)
			synctest.Wait()
			if token := mustToken(t, c); token != "t2" {
				t.Errorf("20 minutes from its issue the token is %s, want t2: a third has passed", token)
			}
		})
		wantCalls(t, store, "load", "save t1", "load", "save t2")
	})
}

// The restart is in the middle of an outage, and the token is due for renewal.
func TestRestartDuringAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		o := tokencache.Options{Store: store}
		run(t, &fakeSource{}, o, func(c *tokencache.Cache) { warm(t, c) })
		time.Sleep(30 * time.Minute)
		down := &fakeSource{fetch: func(context.Context, int, string) (*oauth2.Token, error) { return nil, fakeError{} }}
		run(t, down, o, func(c *tokencache.Cache) {
			for range 29 {
				mustToken(t, c)
				time.Sleep(time.Minute)
			}
			time.Sleep(time.Minute)
			if token, ok := c.Live(); ok {
				t.Errorf("%s is handed out an hour after its issue", token)
			}
		})
		if down.calls() > 60 {
			t.Errorf("%d fetches in half an hour, with a backoff of up to a minute", down.calls())
		}
	})
}

// The server's wish outlives the process, and a setting that changed counts.
func TestRefreshInAndRenewAtAfterARestart(t *testing.T) {
	for name, tt := range map[string]struct {
		renewAt float64
		want    time.Duration // from issue to the second fetch
	}{
		"the server's wish":  {0.9, 30 * time.Minute},
		"renew_at is sooner": {0.25, 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
					return issue(n, time.Hour).WithExtra(map[string]any{"refresh_in": int64(1800)}), nil
				}}
				store := &fakeStore{}
				run(t, s, tokencache.Options{Store: store, RenewAt: 0.9}, func(c *tokencache.Cache) { warm(t, c) })
				run(t, s, tokencache.Options{Store: store, RenewAt: tt.renewAt}, func(c *tokencache.Cache) {
					time.Sleep(tt.want + time.Second)
					synctest.Wait()
				})
				if gaps := s.gaps(); len(gaps) != 1 || gaps[0] != tt.want {
					t.Errorf("renewed after %v, want %v", gaps, tt.want)
				}
			})
		})
	}
}

// What is rejected is forgotten before there is a newer one, so that a restart
// in between does not bring it back; here it goes on serving others.
func TestARejectedTokenIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, answer := &fakeStore{}, make(chan struct{})
		s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
			if n > 1 {
				<-answer
			}
			return issue(n, time.Hour), nil
		}}
		run(t, s, tokencache.Options{Store: store}, func(c *tokencache.Cache) {
			warm(t, c)
			waits := []tokencache.Wait{c.Reject("t1", "", path), c.Reject("t1", "", path), c.Reject("t1", "", path)}
			wantCalls(t, store, "load", "save t1", "forget t1")
			if token := mustToken(t, c); token != "t1" {
				t.Errorf("others get %s meanwhile, want t1", token)
			}
			close(answer)
			for _, wait := range waits {
				if token, _, err := wait(t.Context()); token != "t2" {
					t.Errorf("the newer token is %s, %v", token, err)
				}
			}
		})
		wantCalls(t, store, "load", "save t1", "forget t1", "save t2")
	})
}

// A machine's identity may know no other token than the one that was rejected.
func TestTheSameTokenAgainIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		s := &fakeSource{fetch: func(context.Context, int, string) (*oauth2.Token, error) { return issue(1, time.Hour), nil }}
		run(t, s, tokencache.Options{Store: store}, func(c *tokencache.Cache) {
			warm(t, c)
			_, _, _ = c.Reject("t1", "", path)(t.Context())
			time.Sleep(30 * time.Minute) // and renewals bring it again
			mustToken(t, c)
		})
		wantCalls(t, store, "load", "save t1", "forget t1")
	})
}

// A rejection of a token that is not the current one says nothing of that.
func TestRejectingAnOldTokenForgetsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		run(t, &fakeSource{}, tokencache.Options{Store: store}, func(c *tokencache.Cache) {
			warm(t, c)
			_, _, _ = c.Reject("t0", "", path)(t.Context())
			wantCalls(t, store, "load", "save t1")
			_, _, _ = c.Reject("t0", `{"access_token":{}}`, path)(t.Context()) // t1 lacks the claims, but nobody refused it
		})
		wantCalls(t, store, "load", "save t1", "save t2")
	})
}

// A disk that hangs keeps nobody waiting, and the token that it gives late is
// not put in the place of a newer one.
func TestTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{hung: make(chan struct{}), kept: &tokencache.Kept{Token: "old", Sent: time.Now(), Lifetime: 9 * time.Hour, Full: 9 * time.Hour}}
		s := &fakeSource{}
		run(t, s, tokencache.Options{Store: store}, func(c *tokencache.Cache) {
			start := time.Now()
			if token := warm(t, c); token != "t1" || time.Since(start) != 2*time.Second {
				t.Errorf("%s after %v, want t1 after 2 s", token, time.Since(start))
			}
			time.Sleep(time.Hour)
			if token := mustToken(t, c); token == "t1" {
				t.Error("no renewal in an hour")
			}
			newer, _, err := c.Reject(mustToken(t, c), "", path)(t.Context())
			if err != nil {
				t.Errorf("reject: %v", err)
			}
			close(store.hung)
			synctest.Wait()
			if token := mustToken(t, c); token != newer {
				t.Errorf("the store's late answer made %s the current token, want %s", token, newer)
			}
			calls := store.did()
			if len(calls) != 3 || calls[2] != "save "+newer {
				t.Errorf("the store was told %q, want the latest token alone to be kept", calls)
			}
		})
	})
}

// The end waits for a hung disk too, but not long.
func TestTheEndWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &fakeStore{}
		c := tokencache.New(&fakeSource{}, tokencache.Options{Store: store, Uptime: unknownUptime})
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() { defer close(stopped); c.Run(ctx) }()
		warm(t, c)
		synctest.Wait()
		store.hung = make(chan struct{})
		c.Reject("t1", "", path)
		synctest.Wait()
		start := time.Now()
		stop()
		<-stopped
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("stopped after %v, want 2 s", took)
		}
		close(store.hung)
	})
}
