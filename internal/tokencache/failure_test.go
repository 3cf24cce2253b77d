package tokencache_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/tokencache"
)

func TestBackoff(t *testing.T) {
	tests := []struct {
		name     string
		lifetime time.Duration // of the first token; 0: the endpoint never works
		random   float64
		want     []time.Duration // between the failures, the last one for ever
	}{
		{
			name: "longest, at a cold start", random: 0.9999999999,
			want: []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 32e9, 60e9, 60e9},
		},
		{
			name: "shortest, at a cold start", random: 0,
			want: []time.Duration{5e8, 1e9, 2e9, 4e9, 8e9, 16e9, 30e9, 30e9},
		},
		{
			name: "a twentieth of the lifetime", lifetime: 100 * time.Second, random: 0.9999999999,
			want: []time.Duration{1e9, 2e9, 4e9, 5e9, 5e9},
		},
		{
			name: "100 ms at least", lifetime: 2 * time.Second, random: 0,
			want: []time.Duration{1e8, 1e8, 1e8, 1e8},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
				if n == 1 && tt.lifetime > 0 {
					return issue(n, tt.lifetime), nil
				}
				return nil, fakeError{}
			}}
			o := tokencache.Options{Random: func() float64 { return tt.random }}
			inBubble(t, s, o, func(t *testing.T, _ *tokencache.Cache) {
				time.Sleep(10 * time.Minute)
				got := s.gaps()
				if tt.lifetime > 0 {
					got = got[1:] // the first gap is a token's life
				}
				if len(got) < len(tt.want) {
					t.Fatalf("gaps %v, want %v", got, tt.want)
				}
				for i, want := range tt.want {
					if (got[i] - want).Abs() > time.Millisecond {
						t.Errorf("gap %d is %v, want %v (all: %v)", i, got[i], want, got[:len(tt.want)])
					}
				}
			})
		})
	}
}

func TestRetryAfter(t *testing.T) {
	const lifetime = 1000 * time.Second // renewed after 330 s, dead after 995 s
	tests := []struct {
		name  string
		after time.Duration
		want  []time.Duration // when it was asked, from the first fetch
	}{
		{"obeyed while a token is alive", 300 * time.Second, []time.Duration{0, 330e9, 630e9, 930e9, 995e9}},
		{"capped once none is", time.Hour, []time.Duration{0, 330e9, 995e9, 1055e9, 1115e9}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
				if n == 1 {
					return issue(n, lifetime), nil
				}
				return nil, fakeError{after: tt.after}
			}}
			inBubble(t, s, tokencache.Options{}, func(t *testing.T, _ *tokencache.Cache) {
				start := time.Now()
				time.Sleep(30 * time.Minute)
				synctest.Wait()
				var got []time.Duration
				for _, at := range s.asked[:len(tt.want)] {
					got = append(got, at.Sub(start).Round(time.Second))
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("asked at %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestRefusedSignInAnswersAtOnce(t *testing.T) {
	s := &fakeSource{fetch: func(context.Context, int, string) (*oauth2.Token, error) {
		return nil, fakeError{permanent: true}
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		for range 10 {
			start := time.Now()
			_, err := c.Token(within(t, time.Minute))
			var e *tokencache.Error
			if !errors.As(err, &e) || !e.Permanent() || e.RetryAfter() > 30*time.Second {
				t.Errorf("error %v, want a refused sign-in", err)
			}
			if !errors.As(err, new(fakeError)) {
				t.Errorf("error %v does not wrap the source's", err)
			}
			if took := time.Since(start); took != 0 {
				t.Errorf("answered after %v, want at once", took)
			}
			time.Sleep(10 * time.Second)
		}
		if got := s.calls(); got != 4 { // at 0, 30, 60 and 90 s
			t.Errorf("%d fetches in 100 s, want one every 30 s", got)
		}
	})
}

func TestMendedCredentialIsTriedAtOnce(t *testing.T) {
	for _, tt := range []struct {
		failure fakeError
		mended  time.Duration // after the start
	}{
		{fakeError{permanent: true}, 5 * time.Second},
		{fakeError{}, 125 * time.Second}, // an assertion out of its time, say: by then a try a minute
		{fakeError{after: 50 * time.Second}, 5 * time.Second},
	} {
		var mended atomic.Bool
		s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
			if !mended.Load() {
				return nil, tt.failure
			}
			return issue(n, time.Hour), nil
		}}
		o := tokencache.Options{Changed: mended.Load}
		inBubble(t, s, o, func(t *testing.T, c *tokencache.Cache) {
			time.Sleep(tt.mended)
			mended.Store(true)
			time.Sleep(1100 * time.Millisecond)
			if tt.failure.after > 0 {
				if s.calls() != 1 {
					t.Errorf("%d fetches, want none before Retry-After is over", s.calls())
				}
				time.Sleep(tt.failure.after - tt.mended)
			}
			mustToken(t, c)
		})
	}
}

// While Entra refuses the credential, a token that is alive goes on serving.
func TestRefusedSignInKeepsALiveToken(t *testing.T) {
	s := &fakeSource{fetch: func(_ context.Context, n int, _ string) (*oauth2.Token, error) {
		if n > 1 {
			return nil, fakeError{permanent: true}
		}
		return issue(n, time.Hour), nil
	}}
	inBubble(t, s, tokencache.Options{}, func(t *testing.T, c *tokencache.Cache) {
		warm(t, c)
		time.Sleep(59 * time.Minute)
		token := mustToken(t, c)
		_, _, err := c.Reject(token, "", path)(within(t, time.Minute))
		var e *tokencache.Error
		if !errors.As(err, &e) || !e.Permanent() {
			t.Errorf("a rejected token is answered by %v, want a refused sign-in", err)
		}
	})
}
