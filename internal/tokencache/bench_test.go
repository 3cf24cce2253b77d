package tokencache_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"dvproxy/internal/tokencache"
)

// running is a cache with a live token, on the machine's own clock.
func running(tb testing.TB) *tokencache.Cache {
	tb.Helper()
	c := tokencache.New(&fakeSource{}, tokencache.Options{})
	go c.Run(tb.Context())
	if _, err := c.Token(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestALiveTokenAllocatesNothing(t *testing.T) {
	c := running(t)
	ctx := t.Context()
	if got := testing.AllocsPerRun(1000, func() { _, _ = c.Token(ctx) }); got != 0 {
		t.Errorf("%v allocations a call, want 0", got)
	}
}

func BenchmarkToken(b *testing.B) {
	c := running(b)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Token(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTokenParallel(b *testing.B) {
	c := running(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Token(context.Background()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// Everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	c := running(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				token, err := c.Token(t.Context())
				if err != nil {
					t.Errorf("token: %v", err)
					return
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				if newer, fresh, err := c.Reject(token, "", path)(ctx); err == nil && fresh {
					c.Replayed(newer, path, true)
				}
				cancel()
				c.Status()
			}
		})
	}
	wg.Wait()
}
