package tokencache

import "time"

// A Clock reads the wall clock and the monotonic clock in one go. The
// monotonic reading counts from any fixed moment. Both are injected, since a
// test that moves them together (as a testing/synctest bubble does) can show
// neither a suspended machine nor a clock set back.
type Clock func() (wall time.Time, monotonic time.Duration)

// SystemClock is the Clock of the machine.
func SystemClock() Clock {
	start := time.Now()
	return func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(start)
	}
}

// An instant is one reading of both clocks.
type instant struct {
	wall      time.Time
	monotonic time.Duration
}

func (c Clock) now() instant {
	wall, monotonic := c()
	return instant{wall: wall.Round(0), monotonic: monotonic}
}

// since is how long ago then was, by whichever clock says longer. While a
// machine is suspended only the wall clock goes on; after somebody has set the
// wall clock back only the monotonic clock tells the truth. Believing the
// longer answer means that a token may be thought older than it is, which
// costs a fetch, and never younger, which would cost a 401.
func (now instant) since(then instant) time.Duration {
	return max(now.wall.Sub(then.wall), now.monotonic-then.monotonic)
}
