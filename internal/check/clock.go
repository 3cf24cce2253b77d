package check

import (
	"fmt"
	"net/http"
	"time"
)

// clock compares this machine's time with that of an answer's Date. Entra
// dates tokens and judges client assertions by its own.
func (r *run) clock(what, date string, now time.Time) {
	const odd, wrong = 30 * time.Second, 5 * time.Minute
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	skew := now.Sub(at.Add(500 * time.Millisecond)).Round(time.Second) // Date is cut to seconds
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	detail := fmt.Sprintf("this machine's clock is %v %s that of the %s", skew.Abs(), direction, what)
	switch {
	case skew.Abs() >= wrong:
		r.fail(what+" clock", detail, "set the clock, and let NTP keep it: client assertions and certificates are judged by it")
	case skew.Abs() >= odd:
		r.warn(what+" clock", detail, "let NTP keep the clock")
	default:
		r.pass(what+" clock", "within a few seconds of that of the "+what)
	}
}
