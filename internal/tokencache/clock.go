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

// An Uptime tells how long the machine has been up, time in suspend included,
// and which of its runs that is; boot is empty if that is not known. Unlike the
// monotonic reading of a [Clock] it goes on from one process to the next, so
// that a kept token's age does not hang on the wall clock alone.
type Uptime func() (boot string, up time.Duration)

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

// now reads the clocks. To the monotonic one it adds the time that the machine
// has spent in suspend, as far as that has been noticed: a wall clock that was
// set back meanwhile does not show it.
func (c *Cache) now() instant {
	now := c.clock.now()
	now.monotonic += time.Duration(c.suspended.Load())
	return now
}

// suspendWatch returns a function that notices suspends since the call: the
// machine's uptime goes on in one, and the monotonic clock does not.
func (c *Cache) suspendWatch() (look func()) {
	lag := func() time.Duration {
		_, up := c.uptime()
		_, monotonic := c.clock()
		return up - monotonic
	}
	boot, _ := c.uptime()
	before := lag()
	return func() {
		if boot == "" {
			return
		}
		if d := lag() - before; d >= tick || d < time.Duration(c.suspended.Load()) { // less is the time between the two readings
			c.suspended.Store(int64(max(0, d)))
		}
	}
}
