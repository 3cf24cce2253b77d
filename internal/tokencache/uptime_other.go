//go:build !linux

package tokencache

import "time"

// SystemUptime is the [Uptime] of the machine, which is not known here: a kept
// token's age is what the wall clock says.
func SystemUptime() (boot string, up time.Duration) { return "", 0 }
