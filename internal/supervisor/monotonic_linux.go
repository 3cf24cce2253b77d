package supervisor

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is the clock that systemd compares with: clock_gettime(2),
// CLOCK_MONOTONIC; 0 if it cannot be read.
func monotonic() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
