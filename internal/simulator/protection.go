package simulator

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Limits are the service protection limits of the one user there is, over a
// sliding window. A limit of zero is none.
type Limits struct {
	Requests   int           // per window; Dataverse's own is 6000
	Execution  time.Duration // combined time of execution per window; 20 minutes
	Concurrent int           // at one time; 52
	Window     time.Duration // zero means 300 s
}

const (
	defaultWindow     = 300 * time.Second
	defaultRequests   = 6000
	defaultExecution  = 20 * time.Minute
	defaultConcurrent = 52

	codeExecution  = "0x80072321"
	codeRequests   = "0x80072322"
	codeConcurrent = "0x80072326"

	requestsMessage   = "Number of requests exceeded the limit of %d over time window of %d seconds."
	concurrentMessage = "Number of concurrent requests exceeded the limit of %d."
	// Two spaces stand before "milliseconds" in the original.
	executionMessage = "Combined execution time of incoming requests exceeded limit of %s  milliseconds over time window of %d seconds. " +
		"Decrease number of concurrent requests or reduce the duration of requests and try again later."
)

func (l Limits) window() time.Duration {
	if l.Window <= 0 {
		return defaultWindow
	}
	return l.Window
}

// protection counts requests in a sliding window. Refused ones count too: a
// client that pushes on waits longer.
type protection struct {
	mu      sync.Mutex // guards what follows
	limits  Limits
	entered []time.Time
	spent   []spell
	total   time.Duration // of spent
	running int
}

type spell struct {
	ended time.Time
	took  time.Duration
}

// excess is a limit that was passed.
type excess struct {
	code, message string
	retryAfter    time.Duration
}

func newProtection(l Limits) *protection { return &protection{limits: l} }

func (p *protection) reset(l Limits) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.limits, p.entered, p.spent, p.total = l, nil, nil, 0
}

// enter lets a request in; leave must be called when it is done. Or it says
// which limit keeps it out.
func (p *protection) enter(now time.Time) (leave func(time.Time), over *excess) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slide(now)
	if over := p.over(now); over != nil {
		return nil, over
	}
	p.running++
	return func(end time.Time) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.running--
		if p.limits.Execution > 0 {
			p.spent = append(p.spent, spell{end, end.Sub(now)})
			p.total += end.Sub(now)
		}
	}, nil
}

func (p *protection) over(now time.Time) *excess {
	l := p.limits
	seconds := int(l.window() / time.Second)
	if l.Concurrent > 0 && p.running >= l.Concurrent {
		return &excess{codeConcurrent, fmt.Sprintf(concurrentMessage, l.Concurrent), time.Second}
	}
	if l.Requests > 0 {
		p.entered = append(p.entered, now)
		if n := len(p.entered) - l.Requests; n > 0 {
			return &excess{
				codeRequests, fmt.Sprintf(requestsMessage, l.Requests, seconds),
				p.entered[n].Add(l.window()).Sub(now),
			} // the next request needs a place too
		}
	}
	if l.Execution > 0 && p.total >= l.Execution {
		return &excess{
			codeExecution, fmt.Sprintf(executionMessage, thousands(l.Execution.Milliseconds()), seconds),
			p.spent[0].ended.Add(l.window()).Sub(now),
		}
	}
	return nil
}

// slide forgets what has left the window.
func (p *protection) slide(now time.Time) {
	start := now.Add(-p.limits.window())
	for len(p.entered) > 0 && !p.entered[0].After(start) {
		p.entered = p.entered[1:]
	}
	for len(p.spent) > 0 && !p.spent[0].ended.After(start) {
		p.total -= p.spent[0].took
		p.spent = p.spent[1:]
	}
}

// stamp says what is left in the window, with a comma for thousands. Without
// limits it is always what the first request of a window is told.
func (p *protection) stamp(h http.Header, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slide(now)
	requests, execution := p.limits.Requests, p.limits.Execution
	used := len(p.entered)
	if requests <= 0 {
		requests, used = defaultRequests, 1
	}
	setDefault(&execution, defaultExecution)
	left := max(0, execution-p.total)
	cents := int64(math.Round(left.Seconds() * 100))
	h[headerBurstLeft] = []string{strconv.Itoa(max(0, requests-used))}
	h[headerTimeLeft] = []string{fmt.Sprintf("%s.%02d", thousands(cents/100), cents%100)}
}

// write answers 429.
func (e *excess) write(w http.ResponseWriter) {
	w.Header()["Retry-After"] = []string{wholeSeconds(e.retryAfter)}
	writeError(w, http.StatusTooManyRequests, e.code, e.message)
}

// wholeSeconds rounds up, 1 at least.
func wholeSeconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
}

// thousands writes n with a comma before each group of three digits.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	var groups []string
	for len(s) > 3 {
		groups = append([]string{s[len(s)-3:]}, groups...)
		s = s[:len(s)-3]
	}
	return strings.Join(append([]string{s}, groups...), ",")
}
