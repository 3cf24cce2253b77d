package tokencache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/tokencache"
)

// A machine that was up for a day when the bubble began.
func uptimeOf(boot string) tokencache.Uptime {
	return func() (string, time.Duration) { return boot, 24*time.Hour + time.Since(time.Unix(946684800, 0)) }
}

// A token of an hour is kept, time passes between the processes, and the wall
// clock was wrong when it was kept or is wrong now.
func TestKeptTokensAndClocks(t *testing.T) {
	const h, m = time.Hour, time.Minute
	for _, tt := range []struct {
		name     string
		then     time.Duration // by which the wall clock was wrong
		passed   time.Duration
		now      time.Duration // by which it is wrong
		boots    string        // of the two processes, a letter each; - for unknown
		wantUsed bool
	}{
		{"right", 0, 30 * m, 0, "aa", true},
		{"right, another boot", 0, 30 * m, 0, "ab", true},
		{"right, no boot known", 0, 30 * m, 0, "--", true},
		{"too old", 0, 60 * m, 0, "ab", false},
		{"within the margin", 0, 60*m - 4*time.Second, 0, "ab", false},

		{"was an hour ahead", h, 30 * m, 0, "ab", false}, // kept in the future
		{"was an hour ahead, long ago", h, 90 * m, 0, "aa", false},
		{"was a day ahead", 24 * h, 30 * m, 0, "aa", false},
		{"was an hour behind", -h, 30 * m, 0, "aa", false}, // a fetch too many
		{"was a day behind", -24 * h, 30 * m, 0, "ab", false},

		{"is an hour ahead", 0, 30 * m, h, "aa", false}, // a fetch too many
		{"is a day ahead", 0, 30 * m, 24 * h, "ab", false},
		{"is an hour behind", 0, 30 * m, -h, "ab", false},
		{"is an hour behind, and the token dead", 0, 90 * m, -h, "aa", false},
		{"is a day behind, and the token dead", 0, 24*h + 30*m, -24 * h, "aa", false},
		{"is ten minutes behind", 0, 20 * m, -10 * m, "aa", true},
		{"is ten minutes behind, and the token dead", 0, 65 * m, -10 * m, "aa", false},

		{"always an hour ahead", h, 30 * m, h, "aa", true},
		{"always a day behind", -24 * h, 30 * m, -24 * h, "ab", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var clock skewedClock
				store, s := &fakeStore{}, &fakeSource{}
				o := func(boot string) tokencache.Options {
					o := tokencache.Options{Store: store, Clock: clock.now, RenewAt: 0.9}
					if boot != "-" {
						o.Uptime = uptimeOf(boot)
					}
					return o
				}
				clock.stepWall(tt.then)
				run(t, s, o(tt.boots[:1]), func(c *tokencache.Cache) { warm(t, c) })
				time.Sleep(tt.passed)
				clock.stepWall(tt.now - tt.then)
				run(t, s, o(tt.boots[1:]), func(c *tokencache.Cache) {
					token := warm(t, c)
					if used := token == "t1"; used != tt.wantUsed {
						t.Errorf("the kept token is used: %v, want %v", used, tt.wantUsed)
					}
					time.Sleep(10 * time.Second)
				})
				if s.calls() > 2 {
					t.Errorf("%d fetches, want one a process at most", s.calls())
				}
			})
		})
	}
}

// What a store gives that was never kept.
func TestKeptTokensThatAreNone(t *testing.T) {
	const long = 1<<63 - 1
	for name, change := range map[string]func(*tokencache.Kept){
		"no token":             func(k *tokencache.Kept) { k.Token = "" },
		"no lifetime":          func(k *tokencache.Kept) { k.Lifetime = 0 },
		"lifetime below 0":     func(k *tokencache.Kept) { k.Lifetime = -long },
		"no time of issue":     func(k *tokencache.Kept) { k.Sent = time.Time{} },
		"an uptime to come":    func(k *tokencache.Kept) { k.Uptime = long },
		"an uptime long gone":  func(k *tokencache.Kept) { k.Uptime = -long / 2 },
		"issued in 292 years":  func(k *tokencache.Kept) { k.Sent = k.Sent.Add(long) },
		"a second in the past": func(k *tokencache.Kept) { k.Lifetime = time.Second; k.Sent = k.Sent.Add(-2 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				uptime := uptimeOf("a")
				_, up := uptime()
				k := tokencache.Kept{Token: "kept", Sent: time.Now(), Boot: "a", Uptime: up, Lifetime: time.Hour, Full: time.Hour}
				change(&k)
				run(t, &fakeSource{}, tokencache.Options{Store: &fakeStore{kept: &k}, Uptime: uptime}, func(c *tokencache.Cache) {
					if token := warm(t, c); token != "t1" {
						t.Errorf("the token is %s, want a fetched one", token)
					}
				})
			})
		})
	}
}

// Sleeps, suspends, steps of the clock, outages and restarts in any order: no
// token is handed out past its expiry once a look at the clocks could tell, and
// the source is asked no more often than events and renewals ask for.
func TestNoDeadTokenWhateverTheClocksDo(t *testing.T) {
	steps := []time.Duration{time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour}
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 5))
				var clock skewedClock
				var suspended atomic.Int64 // ns that the bubble's clock has missed
				truth := func() time.Time { return time.Now().Add(time.Duration(suspended.Load())) }
				var died sync.Map // when, by token
				s := &fakeSource{}
				s.fetch = func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
					died.Store(fmt.Sprintf("t%d", n), truth().Add(time.Hour))
					return issue(n, time.Hour), nil
				}
				o := tokencache.Options{Store: &fakeStore{}, Clock: clock.now, Uptime: func() (string, time.Duration) {
					return "a", truth().Sub(time.Unix(946684800, 0))
				}}
				events := 0
				for range 6 {
					run(t, s, o, func(c *tokencache.Cache) {
						for range 6 {
							time.Sleep(time.Duration(random.Int64N(int64(40 * time.Minute))))
							events++
							if random.IntN(3) == 0 {
								d := time.Duration(random.Int64N(int64(9 * time.Hour)))
								suspended.Add(int64(d))
								clock.stepWall(d)
							} else {
								clock.stepWall(steps[random.IntN(len(steps))])
							}
							time.Sleep(1001 * time.Millisecond) // the first check
							synctest.Wait()
							token := warm(t, c)
							if at, _ := died.Load(token); !truth().Before(at.(time.Time)) {
								t.Fatalf("%s is handed out %v after its expiry", token, truth().Sub(at.(time.Time)))
							}
						}
					})
					events++
				}
				renewals := int(time.Since(time.Unix(946684800, 0))/(17*time.Minute)) + 1
				if s.calls() > events+renewals {
					t.Errorf("%d fetches for %d events and %d renewals", s.calls(), events, renewals)
				}
			})
		})
	}
}
