package tokencache

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// SystemUptime is the [Uptime] of the machine: proc(5), boot_id, and
// clock_gettime(2), CLOCK_BOOTTIME, which goes on in a suspended machine.
func SystemUptime() (boot string, up time.Duration) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", 0
	}
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return "", 0
	}
	return strings.TrimSpace(string(id)), time.Duration(t.Nano())
}
