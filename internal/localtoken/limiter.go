package localtoken

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// A limiter slows down whoever guesses secrets. It counts wrong ones for each
// client id and for each address they come from.
//
// The same wrong secret again is no new guess, and is counted apart. So a
// client that was forgotten when the secret changed, and asks on and on, locks
// out neither its neighbours on the same machine nor another copy of itself.
type limiter struct {
	seed maphash.Seed // so that nobody can aim at another's count

	mu      sync.Mutex // guards buckets
	buckets map[uint64]bucket
}

// A bucket holds the attempts that are left. It fills again with time.
type bucket struct {
	rate  rate
	left  float64
	since time.Time
}

// A rate is how many attempts may be made at once, and how long one more takes.
type rate struct {
	burst float64
	every time.Duration
}

func repeats() rate   { return rate{5, 10 * time.Second} }
func perID() rate     { return rate{20, 10 * time.Second} }
func perRemote() rate { return rate{50, 2 * time.Second} }

// maxBuckets bounds the memory: under a megabyte.
const maxBuckets = 8192

func newLimiter() *limiter {
	return &limiter{seed: maphash.MakeSeed(), buckets: map[uint64]bucket{}}
}

// An attempt to sign in.
type attempt struct {
	id     string // in lower case; empty where the secret alone is presented
	secret string
	remote string // address and port
}

// judge decides about an attempt whose credential is right or wrong. A wait
// above zero means that there were too many wrong ones: it is refused whatever
// it holds, and that is how long to wait before the next.
func (l *limiter) judge(a attempt, right bool) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if right && len(l.buckets) == 0 {
		return 0
	}
	now := time.Now()
	same := l.bucket([2]string{"secret:" + a.id, a.secret}, repeats(), now)
	counts := []*counted{same}
	if !same.known {
		counts = append(counts, l.bucket([2]string{"remote", network(a.remote)}, perRemote(), now))
		if a.id != "" {
			counts = append(counts, l.bucket([2]string{"id", a.id}, perID(), now))
		}
	}
	for _, c := range counts {
		wait = max(wait, c.wait())
	}
	if wait > 0 || right {
		return wait
	}
	for _, c := range counts {
		c.left--
		l.put(c, now)
	}
	return 0
}

// A counted is a bucket as it is now.
type counted struct {
	bucket
	key   uint64
	known bool // it is not full
}

func (l *limiter) bucket(name [2]string, r rate, now time.Time) *counted {
	key := maphash.Comparable(l.seed, name)
	b, known := l.buckets[key]
	if !known {
		b = bucket{rate: r, left: r.burst}
	}
	b.left = b.at(now)
	b.since = now
	return &counted{bucket: b, key: key, known: known && b.left < b.rate.burst}
}

func (b bucket) at(now time.Time) float64 {
	return min(b.rate.burst, b.left+now.Sub(b.since).Seconds()/b.rate.every.Seconds())
}

// wait is how long until there is an attempt left; 0 if there is one.
func (b bucket) wait() time.Duration {
	if b.left >= 1 {
		return 0
	}
	return time.Duration((1 - b.left) * float64(b.rate.every))
}

// put remembers a bucket. Where there is no room for it, those that are full
// again are forgotten, or else some of the others.
func (l *limiter) put(c *counted, now time.Time) {
	if _, known := l.buckets[c.key]; !known && len(l.buckets) >= maxBuckets {
		l.forget(now)
	}
	l.buckets[c.key] = c.bucket
}

func (l *limiter) forget(now time.Time) {
	for key, b := range l.buckets {
		if b.at(now) >= b.rate.burst {
			delete(l.buckets, key)
		}
	}
	for key := range l.buckets {
		if len(l.buckets) < maxBuckets*3/4 {
			return
		}
		delete(l.buckets, key)
	}
}

// network is what counts as one client's address: an IPv4 address, or the /64
// that an IPv6 host commonly has to itself. All Unix socket peers are one.
func network(remote string) string {
	addr, err := netip.ParseAddrPort(remote)
	if err != nil {
		return "local"
	}
	ip := addr.Addr().Unmap()
	if ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return ip.String()
	}
	return prefix.String()
}
