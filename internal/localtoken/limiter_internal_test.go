package localtoken

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestLimiterIsBounded, and forgets first those that are full again.
func TestLimiterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter()
		guess := func(n int) {
			l.judge(attempt{id: fmt.Sprint(n), secret: "x", remote: fmt.Sprintf("10.%d.%d.%d:1", n>>16, n>>8&255, n&255)}, false)
			if len(l.buckets) > maxBuckets {
				t.Fatalf("%d buckets, want %d at most", len(l.buckets), maxBuckets)
			}
		}
		for n := range maxBuckets {
			guess(n)
		}
		time.Sleep(time.Hour)
		const kept = 100
		for n := range kept {
			guess(1<<20 + n)
		}
		for n := range maxBuckets/3 - kept {
			guess(1<<21 + n)
		}
		for n := range kept {
			a := attempt{id: fmt.Sprint(1<<20 + n), secret: "x"}
			if same := l.bucket([2]string{"secret:" + a.id, a.secret}, repeats(), time.Now()); !same.known {
				t.Fatalf("guess %d was forgotten, though older ones were full again", n)
			}
		}
	})
}
