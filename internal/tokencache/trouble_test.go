package tokencache_test

import (
	"fmt"
	"testing"
	"time"

	"dvproxy/internal/tokencache"
)

// replay sends a request that is refused with the current token, and again for
// as long as there is a fresh one. It says whether it was turned away.
func replay(t *testing.T, c *tokencache.Cache, path string, accepts func(token string) bool) (turnedAway bool) {
	t.Helper()
	token := mustToken(t, c)
	for range 3 {
		newer, fresh, err := c.Reject(token, "", path)(t.Context())
		if err != nil {
			return true
		}
		if fresh {
			c.Replayed(newer, path, accepts(newer))
		}
		if accepts(newer) {
			return false
		}
		token = newer
	}
	return true
}

func never(string) bool  { return false }
func always(string) bool { return true }

// A path that refuses every token is called all the time. When tokens are
// revoked, the requests on another path still get a newer one at once.
func TestRevocationBesideAPathThatRefusesEveryToken(t *testing.T) {
	s := &fakeSource{}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		warm(t, c)
		for i := range 600 { // a minute
			if !replay(t, c, "GET /odd", never) {
				t.Fatal("the odd path was not turned away")
			}
			if i%50 == 49 && replay(t, c, path, always) {
				t.Errorf("turned away after %v, since another path refuses every token", time.Duration(i)*100*time.Millisecond)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if calls := s.calls(); calls > 1+12+9 {
			t.Errorf("%d fetches, want 12 for the revocations and a few for the odd path", calls)
		}
	})
}

// An environment that refuses every token on every path makes no storm, however
// many paths are called.
func TestManyPathsThatRefuseEveryToken(t *testing.T) {
	s := &fakeSource{}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		warm(t, c)
		for i := range 10 * 60 * 10 { // ten minutes
			replay(t, c, fmt.Sprint("GET /odd", i%1000), never)
			time.Sleep(100 * time.Millisecond)
		}
		calls := s.calls()
		if calls > 250 {
			t.Errorf("%d fetches in 10 minutes, want 250 at most", calls)
		}
		t.Logf("%d fetches in 10 minutes", calls)
	})
}
