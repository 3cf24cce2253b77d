//go:build !linux

package supervisor

import "time"

// monotonic is not needed where there is no systemd.
func monotonic() time.Duration { return 0 }
