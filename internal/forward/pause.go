package forward

import "time"

const (
	longestPause = 5 * time.Minute        // Dataverse's window; then one request asks again
	ramp         = 500 * time.Millisecond // in which those that were held go, at least
	step         = 25 * time.Millisecond  // one more goes, whether or not there are answers
)

// A pause is the time for which service protection wants nothing to be sent,
// and the way back from it: first one request, then two more for each answer,
// but not more than evenly over the ramp. So a window that is still closed costs
// one refusal, and one that is open is used within a few round trips. Some go
// without answers, or one slow request would keep all others. The pause is on
// until nobody has to wait any more.
type pause struct {
	on       bool
	until    time.Time
	held     int // how many wait, the most that were seen since until
	released int // since then
	answered int
}

// answer takes note of a request's end, other than a refusal.
func (p *pause) answer(now time.Time) {
	if p.on && !p.isClosed(now) {
		p.answered++
	}
}

// begin pauses from now on, unless that is so for longer already, and says
// whether sending went on until now.
func (p *pause) begin(now time.Time, d time.Duration) (new bool) {
	until := now.Add(min(d, longestPause))
	new = !p.isClosed(now)
	if new || until.After(p.until) {
		*p = pause{on: true, until: until}
	}
	return new
}

// end ends the pause if its time is over. Callers know that nobody waits.
func (p *pause) end(now time.Time) {
	if p.on && !p.isClosed(now) {
		*p = pause{}
	}
}

func (p *pause) isClosed(now time.Time) bool { return p.on && now.Before(p.until) }

// left is for how long nothing will be sent.
func (p *pause) left(now time.Time) time.Duration {
	if !p.isClosed(now) {
		return 0
	}
	return p.until.Sub(now)
}

// allows says whether one of those that wait may go.
func (p *pause) allows(now time.Time, waiting int) bool {
	if !p.on {
		return true
	}
	if p.isClosed(now) {
		return false
	}
	p.held = max(p.held, waiting)
	since := now.Sub(p.until)
	if since < ramp && p.released > int(int64(p.held)*int64(since)/int64(ramp)) {
		return false
	}
	return p.released <= 2*p.answered+int(since/step)
}

// next is when allows may say something else by itself; 0 if never.
func (p *pause) next(now time.Time) time.Duration {
	switch {
	case !p.on:
		return 0
	case p.isClosed(now):
		return p.until.Sub(now)
	}
	return max(time.Millisecond, min(step, ramp/time.Duration(max(1, p.held))))
}
