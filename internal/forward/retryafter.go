package forward

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter is the wait that an answer asks for, in whole seconds or until a
// date, which is taken by the clock of the answer's Date if it has one. It is
// zero if absent, malformed or over. RFC 9110 10.2.3.
func retryAfter(h http.Header, now time.Time) time.Duration {
	const most = 24 * time.Hour // and no overflow
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value != "" && strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.Atoi(value)
		if err != nil {
			return most
		}
		return time.Duration(min(seconds, int(most/time.Second))) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return min(max(0, until.Sub(now)), most)
}
