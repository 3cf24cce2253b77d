package lifetime

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Bounds of an access token's lifetime (source: Microsoft Entra, Configurable
// token lifetimes).
const (
	Shortest = 10 * time.Minute
	Longest  = 24 * time.Hour
)

const bounds = "a lifetime is from 10m to 24h, such as 5h, 90m or 05:00:00"

// clock is .NET's TimeSpan without fractions: [days.]hours:minutes:seconds.
var clock = regexp.MustCompile(`^(?:([0-9]{1,2})\.)?([0-9]{1,2}):([0-5][0-9]):([0-5][0-9])$`)

// Parse reads a lifetime in Go's form (5h, 1h30m) or in Entra's (05:00:00,
// 1.00:00:00), in whole seconds from Shortest to Longest. The error says the
// bounds.
func Parse(text string) (time.Duration, error) {
	d, ok := parseClock(text)
	if !ok {
		var err error
		if d, err = time.ParseDuration(text); err != nil {
			return 0, fmt.Errorf("%q is not a lifetime: %s", text, bounds)
		}
	}
	switch {
	case d < Shortest:
		return 0, fmt.Errorf("%s is too short: %s", text, bounds)
	case d > Longest:
		return 0, fmt.Errorf("%s is too long: %s", text, bounds)
	case d%time.Second != 0:
		return 0, fmt.Errorf("%s is not in whole seconds: %s", text, bounds)
	}
	return d, nil
}

func parseClock(text string) (time.Duration, bool) {
	m := clock.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	var n [4]time.Duration
	for i, digits := range m[1:] {
		v, _ := strconv.Atoi(digits) // two digits, or none for no days
		n[i] = time.Duration(v)
	}
	return n[0]*24*time.Hour + n[1]*time.Hour + n[2]*time.Minute + n[3]*time.Second, true
}

// parseSpan reads what stands in a definition. .NET takes 24 hours or more
// without days for something else, so they are not read at all.
func parseSpan(text string) (time.Duration, bool) {
	m := clock.FindStringSubmatch(text)
	if m == nil || len(m[2]) == 2 && m[2] >= "24" {
		return 0, false
	}
	return parseClock(text)
}

// effective is what a definition can say: a day is written as a second less
// (source: Microsoft Graph, tokenLifetimePolicy resource type).
func effective(d time.Duration) time.Duration { return min(d, Longest-time.Second) }

// Span writes a lifetime as a definition has it, hh:mm:ss.
func Span(d time.Duration) string {
	s := int(effective(d) / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
}

// tolerance is how far the lifetime of a token may be from that of its policy:
// Entra counts from a moment of its own.
const tolerance = time.Minute

// Shows tells whether a token that lives for got is one under a policy of want.
func Shows(got, want time.Duration) bool {
	return (got - effective(want)).Abs() <= tolerance
}
