package forward_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/forward"
)

// serverLimit is an upstream that takes so many requests at one time.
func serverLimit(b **bubble, allowed *int, message string) func(int, *http.Request) *http.Response {
	return func(int, *http.Request) *http.Response {
		(*b).mu.Lock()
		active, most := (*b).active, *allowed
		(*b).mu.Unlock()
		if active > most {
			time.Sleep(time.Millisecond) // so that more are on their way
			return throttled("0x80072326", fmt.Sprintf(message, most), "1")
		}
		time.Sleep(100 * time.Millisecond)
		return answer(204, "")
	}
}

// Without a setting, all go until Dataverse refuses one; then as many as it
// names. After its window more are tried, and its answer is heeded.
func TestTheLimitIsFound(t *testing.T) {
	for language, message := range map[string]string{
		"English": "Number of concurrent requests exceeded the limit of %d.",
		"German":  "Die Anzahl gleichzeitiger Anforderungen überschreitet den Grenzwert von %d.",
	} {
		synctest.Test(t, func(t *testing.T) {
			var b *bubble
			allowed := 1000
			b = newBubble(&fakeTokens{}, forward.Options{}, func(n int, r *http.Request) *http.Response {
				return serverLimit(&b, &allowed, message)(n, r)
			})
			push := func() (most, refused int) {
				before := len(b.attempts())
				b.mu.Lock()
				b.most = 0
				b.mu.Unlock()
				for i, a := range b.crowd(t, 64, "POST") {
					if a.Code != 204 {
						t.Errorf("%s, %d: answered %d %s", language, i, a.Code, a.Body)
					}
				}
				b.mu.Lock()
				defer b.mu.Unlock()
				return b.most, len(b.sent) - before - 64
			}
			if most, refused := push(); most != 64 || refused != 0 {
				t.Errorf("%s: %d at one time, want all 64; %d refused", language, most, refused)
			}
			allowed = 8
			if most, refused := push(); most != 64 || refused != 64-8 {
				t.Errorf("%s: %d at one time, %d refused; want 64, of which 56 are", language, most, refused)
			}
			if most, refused := push(); most != 8 || refused != 0 {
				t.Errorf("%s: then %d at one time, %d refused; want 8 and none", language, most, refused)
			}
			time.Sleep(4 * time.Minute)
			if most, refused := push(); most != 8 || refused != 0 {
				t.Errorf("%s: within the window %d at one time, %d refused; want 8 and none", language, most, refused)
			}
			for range 6 {
				time.Sleep(20 * time.Second)
				b.do(t.Context(), "POST", "/alone", "x") // which says nothing
			}
			if most, refused := push(); most != 9 || refused == 0 {
				t.Errorf("%s: after the window %d at one time, %d refused; want 9, and some", language, most, refused)
			}
			allowed = 1000
			time.Sleep(6 * time.Minute)
			for range 10 {
				push()
				time.Sleep(20 * time.Second)
			}
			if most, _ := push(); most <= 16 {
				t.Errorf("%s: %d at one time after upstream takes more", language, most)
			}
			if !strings.Contains(b.log.String(), `msg="concurrency limited" limit=8`) {
				t.Errorf("%s: the log does not say so: %s", language, b.log)
			}
		})
	}
}

// The quota belongs to the account: other programs may use some of it.
func TestTheNamedLimitIsTooHigh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bubble
		allowed := 4
		b = newBubble(&fakeTokens{}, forward.Options{}, func(n int, r *http.Request) *http.Response {
			b.mu.Lock()
			active := b.active
			b.mu.Unlock()
			if active > allowed {
				return throttled("0x80072326", "Number of concurrent requests exceeded the limit of 6.", "1")
			}
			time.Sleep(100 * time.Millisecond)
			return answer(204, "")
		})
		for i, a := range b.crowd(t, 64, "POST") {
			if a.Code != 204 {
				t.Errorf("%d: answered %d %s", i, a.Code, a.Body)
			}
		}
		before := len(b.attempts())
		b.crowd(t, 64, "POST")
		if refused := len(b.attempts()) - before - 64; refused != 0 {
			t.Errorf("%d refused, though the limit is known", refused)
		}
	})
}
