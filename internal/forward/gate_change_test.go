package forward_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/forward"
)

// The proxy that takes another's place at a gate holds back what that one would,
// and those that wait there already are not forgotten.
func TestASecondProxyAtAGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := forward.NewGate(0, nil)
		first := newBubble(&fakeTokens{}, forward.Options{Gate: gate}, func(n int, _ *http.Request) *http.Response {
			if n == 1 {
				return throttled(requestsCode, requestsText, "20")
			}
			return answer(204, "")
		})
		second := newBubble(&fakeTokens{}, forward.Options{Gate: gate}, func(int, *http.Request) *http.Response { return answer(204, "") })
		var wg sync.WaitGroup
		wg.Go(func() {
			if got := first.do(t.Context(), "POST", "/old", "x"); got.Code != 204 || got.at < 20*time.Second {
				t.Errorf("held at the first: answered %d at %v", got.Code, got.at)
			}
		})
		synctest.Wait()
		wg.Go(func() {
			if got := second.do(t.Context(), "POST", "/new", "x"); got.Code != 204 || got.at < 20*time.Second {
				t.Errorf("at the second: answered %d at %v", got.Code, got.at)
			}
		})
		wg.Wait()
	})
}

// A limit that is changed counts from then on, for those that wait too.
func TestLimitIsChanged(t *testing.T) {
	for _, row := range []struct{ from, to, most int }{
		{1, 3, 3},
		{1, 0, 12}, // all
		{3, 1, 3},  // those that are under way stay so
		{0, 2, 12},
	} {
		t.Run(fmt.Sprint(row.from, " to ", row.to), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := forward.NewGate(row.from, nil)
				b := newBubble(&fakeTokens{}, forward.Options{Gate: gate}, func(int, *http.Request) *http.Response {
					time.Sleep(time.Second)
					return answer(204, "")
				})
				var wg sync.WaitGroup
				for range 12 {
					wg.Go(func() {
						if got := b.do(t.Context(), "POST", "/", "x"); got.Code != 204 {
							t.Errorf("answered %d %s", got.Code, got.Body)
						}
					})
				}
				synctest.Wait()
				gate.Limit(row.to)
				wg.Wait()
				if b.most != row.most {
					t.Errorf("%d at one time, want %d", b.most, row.most)
				}
				b.most = 0
				for range 12 {
					wg.Go(func() { b.do(t.Context(), "POST", "/", "x") })
				}
				wg.Wait()
				if want := row.to; want > 0 && b.most != want {
					t.Errorf("afterwards %d at one time, want %d", b.most, want)
				}
			})
		})
	}
}

// What Dataverse has named outlives a change of other settings, and ends with a
// limit of one's own.
func TestNamedLimitIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := forward.NewGate(0, nil)
		b := newBubble(&fakeTokens{}, forward.Options{Gate: gate}, func(n int, _ *http.Request) *http.Response {
			if n == 1 {
				return throttled("0x80072326", "Number of concurrent requests exceeded the limit of 2.", "1")
			}
			time.Sleep(time.Second)
			return answer(204, "")
		})
		b.do(t.Context(), "POST", "/", "x")
		for _, row := range []struct{ limit, most int }{{0, 2}, {4, 4}, {0, 8}} {
			gate.Limit(row.limit)
			b.most = 0
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { b.do(t.Context(), "POST", "/", "x") })
			}
			wg.Wait()
			if b.most != row.most {
				t.Errorf("with %d: %d at one time, want %d", row.limit, b.most, row.most)
			}
		}
	})
}
