package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"
)

const (
	pause       = 60 * time.Millisecond // between two rows
	readEvery   = 5                     // rows
	updateEvery = 8
)

// A push is an overnight batch job: it creates row after row, now and then reads
// a page or updates a row, counts what fails and goes on.
type push struct {
	client   *client
	duration time.Duration

	// Of the goroutine that runs it, until that ends.
	sent   int
	writes []string          // request ids of the writes that were accepted
	pushed map[string]string // description by name of each row that was accepted
	last   lastRow

	mu      sync.Mutex // guards what follows
	started time.Time
	tally   tally
}

// A lastRow is the row that was accepted last.
type lastRow struct{ name, path string }

func newPush(c *client, duration time.Duration) *push {
	return &push{client: c, duration: duration, pushed: map[string]string{}}
}

// run pushes until the time is over or ctx ends.
func (p *push) run(ctx context.Context) {
	defer p.client.http.CloseIdleConnections()
	start := time.Now()
	p.mu.Lock()
	p.started = start
	p.mu.Unlock()
	for n := 1; ctx.Err() == nil && time.Since(start) < p.duration; n++ {
		p.create(ctx, n)
		if n%readEvery == 0 {
			p.do(ctx, http.MethodGet, "accounts?$select=name&$top=5", "")
		}
		if n%updateEvery == 0 {
			p.update(ctx)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// entityID is the last segment of the address of a row.
var entityID = regexp.MustCompile(`accounts\([^()]+\)$`)

func (p *push) create(ctx context.Context, n int) {
	name, description := fmt.Sprintf("Night row %05d", n), "new"
	a, ok := p.do(ctx, http.MethodPost, "accounts", fmt.Sprintf(`{"name":%q,"description":%q}`, name, description))
	if !ok {
		return
	}
	p.pushed[name] = description
	p.last = lastRow{name, entityID.FindString(a.header.Get("OData-EntityId"))}
	p.mu.Lock()
	p.tally.rows++
	p.mu.Unlock()
}

func (p *push) update(ctx context.Context) {
	if p.last.path == "" {
		return
	}
	const description = "checked"
	if _, ok := p.do(ctx, http.MethodPatch, p.last.path, fmt.Sprintf(`{"description":%q}`, description)); ok {
		p.pushed[p.last.name] = description
	}
}

// do sends a request and counts how it fared. What an interrupt cut off does
// not count.
func (p *push) do(ctx context.Context, method, path, body string) (answer, bool) {
	p.sent++
	id := requestID(p.sent)
	a, err := p.client.send(ctx, method, path, body, id)
	if ctx.Err() != nil {
		return a, false
	}
	ok := err == nil && a.ok()
	if ok && method != http.MethodGet {
		p.writes = append(p.writes, id)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tally.count(method, a, err, time.Since(p.started), p.duration)
	return a, ok
}

// requestID is a GUID for the nth request of a push.
func requestID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// now returns the counts as they are, and for how long they have been made.
func (p *push) now() (tally, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.started.IsZero() {
		return p.tally, 0
	}
	return p.tally, min(time.Since(p.started), p.duration)
}
