package e2e

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// create lets clients create so many rows with names of their own.
func create(t testing.TB, origin string, clients, rows int) *tally {
	t.Helper()
	var outcomes tally
	var wg sync.WaitGroup
	for n := range clients {
		wg.Go(func() {
			c := newClient(t)
			for row := range rows {
				outcomes.add(send(t, c, "POST", origin+accounts, strings.NewReader(fmt.Sprintf(`{"name":"row-%d-%d"}`, n, row))))
			}
		})
	}
	wg.Wait()
	return &outcomes
}

// A push that is several times faster than service protection allows ends
// without a client's seeing that, and each row is there once.
func TestAPushAgainstTightLimits(t *testing.T) {
	t.Parallel()
	const clients, rows = 16, 40
	s := tenant(t, simulator.Options{Limits: simulator.Limits{Requests: 150, Concurrent: 6, Window: time.Second}})
	p := start(t, "proxyrace", env(s), "serve")
	p.ready(t)
	began := time.Now()
	outcomes := create(t, p.origin, clients, rows)
	took := time.Since(began)
	stats := s.Stats()
	if bad := outcomes.bad(); len(bad) > 0 {
		t.Errorf("clients saw %v", bad)
	}
	if stats.Executed != clients*rows || stats.Repeated != 0 || stats.Rows["accounts"] != clients*rows {
		t.Errorf("%d executions, %d rows more than once, %d rows; want %d, none, %d", stats.Executed, stats.Repeated, stats.Rows["accounts"], clients*rows, clients*rows)
	}
	refused := 0
	for n := range maps.Values(stats.Throttled) {
		refused += n
	}
	if refused == 0 || refused > clients*rows/2 {
		t.Errorf("%d refusals, %v; want some, and not as many as half of the rows", refused, stats.Throttled)
	}
	t.Logf("%d rows in %v; refused %v", clients*rows, took, stats.Throttled)
}

// One 429 under 64 clients: in its time nothing more is sent, and soon after its end
// all are answered. (How soon is counted in internal/forward, in no real time.)
func TestOne429Under64Clients(t *testing.T) {
	t.Parallel()
	const clients, pause = 64, 8 * time.Second
	s := tenant(t, simulator.Options{})
	p := start(t, "proxyrace", env(s), "serve")
	p.ready(t)
	if err := s.FailDataverse(simulator.Fault{Kind: simulator.FaultThrottle, RetryAfter: pause, Skip: 200, Count: 1}); err != nil {
		t.Fatal(err)
	}
	var outcomes tally
	var longest sync.Map
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for n := range clients {
		wg.Go(func() {
			c := newClient(t)
			for row := 0; ctx.Err() == nil; row++ {
				began := time.Now()
				outcomes.add(send(t, c, "POST", p.origin+accounts, strings.NewReader(fmt.Sprintf(`{"name":"row-%d-%d"}`, n, row))))
				if took := time.Since(began); took > pause/2 {
					longest.Store(n, took)
				}
			}
		})
	}
	eventually(t, 20*time.Second, "the 429 strikes", func() bool { return s.Stats().Faults["throttle"] == 1 })
	struck := time.Now()
	eventually(t, pause*3/4, "what was under way has come to its end, and all are held", func() bool { return throttled(t, p) == clients })
	underWay := s.Stats().Requests
	<-time.After(pause*7/8 - time.Since(struck))
	inside := s.Stats().Requests
	eventually(t, 20*time.Second, "requests go on", func() bool { return s.Stats().Requests > inside+10*clients })
	stop()
	wg.Wait()
	if inside != underWay {
		t.Errorf("%d requests were sent in the pause", inside-underWay)
	}
	held := 0
	for _, took := range longest.Range {
		if held++; took.(time.Duration) > pause+10*time.Second {
			t.Errorf("a request took %v", took)
		}
	}
	if bad, stats := outcomes.bad(), s.Stats(); held < clients/2 || len(bad) > 0 || stats.Repeated != 0 || stats.Executed != outcomes.total() {
		t.Errorf("%d clients were held; they saw %v; %d rows more than once, %d executions of %d", held, bad, stats.Repeated, stats.Executed, outcomes.total())
	}
}

// throttled is how many requests dvproxy holds because Dataverse throttles.
func throttled(t testing.TB, p *proxy) int {
	t.Helper()
	_, rest, _ := strings.Cut(metrics(t, p), `dvproxy_requests_held{environment="127.0.0.1",reason="throttled"} `)
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(line)
	if err != nil {
		t.Fatalf("no gauge of what is held: %v", err)
	}
	return n
}

// Hundreds of clients that hang up while they are held are not executed for.
func TestHeldClientsThatHangUp(t *testing.T) {
	t.Parallel()
	const clients, stay = 300, 10
	s := tenant(t, simulator.Options{})
	p := start(t, "proxyrace", env(s), "serve")
	p.ready(t)
	if err := s.FailDataverse(simulator.Fault{Kind: simulator.FaultThrottle, RetryAfter: 10 * time.Second, Count: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, hangUp := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var stayed tally
	for n := range clients {
		wg.Go(func() {
			c := newClient(t)
			if n < stay {
				stayed.add(send(t, c, "POST", p.origin+accounts, strings.NewReader(fmt.Sprintf(`{"name":"stays-%d"}`, n))))
				return
			}
			request, _ := http.NewRequestWithContext(ctx, "POST", p.origin+accounts, strings.NewReader(fmt.Sprintf(`{"name":"leaves-%d"}`, n)))
			request.Header.Set("Content-Type", "application/json")
			if resp, err := c.Do(request); err == nil {
				resp.Body.Close()
				t.Errorf("one that is to hang up was answered %d", resp.StatusCode)
			}
		})
		if n == 0 {
			eventually(t, 20*time.Second, "the 429 strikes", func() bool { return s.Stats().Faults["throttle"] == 1 })
		}
	}
	eventually(t, 10*time.Second, "all are held", func() bool { return throttled(t, p) == clients })
	hangUp()
	eventually(t, 10*time.Second, "those that hung up have left the queue", func() bool { return throttled(t, p) == stay })
	wg.Wait()
	if bad, stats := stayed.bad(), s.Stats(); len(bad) > 0 || stayed.total() != stay || stats.Executed != stay {
		t.Errorf("those that stayed saw %v; %d executions, want %d", bad, stats.Executed, stay)
	}
	if n := throttled(t, p); n != 0 {
		t.Errorf("%d are held in the end", n)
	}
}

// BenchmarkThrottledPush compares a push through the proxy with one by clients
// that wait for themselves as Retry-After says, against the same limits.
func BenchmarkThrottledPush(b *testing.B) {
	const clients, rows = 16, 60
	limits := simulator.Options{Limits: simulator.Limits{Requests: 150, Concurrent: 6, Window: time.Second}}
	b.Run("proxy", func(b *testing.B) {
		for b.Loop() {
			s := tenant(b, limits)
			p := serve(b, s)
			p.ready(b)
			began := time.Now()
			if bad := create(b, p.origin, clients, rows).bad(); len(bad) > 0 {
				b.Errorf("clients saw %v", bad)
			}
			b.ReportMetric(clients*rows/time.Since(began).Seconds(), "rows/s")
			b.ReportMetric(float64(s.Stats().Requests-clients*rows), "refusals")
		}
	})
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			s := tenant(b, limits)
			token := s.IssueToken(s.DataverseURL)
			began := time.Now()
			var wg sync.WaitGroup
			for n := range clients {
				wg.Go(func() {
					c := newClient(b)
					for row := range rows {
						createPatiently(b, c, s.DataverseURL, token, fmt.Sprintf(`{"name":"row-%d-%d"}`, n, row))
					}
				})
			}
			wg.Wait()
			b.ReportMetric(clients*rows/time.Since(began).Seconds(), "rows/s")
			b.ReportMetric(float64(s.Stats().Requests-clients*rows), "refusals")
		}
	})
}

// createPatiently creates a row, and tries again after a 429.
func createPatiently(t testing.TB, c *http.Client, origin, token, row string) {
	for {
		request, _ := http.NewRequestWithContext(t.Context(), "POST", origin+accounts, strings.NewReader(row))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+token)
		resp, err := c.Do(request)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusTooManyRequests {
			return
		}
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		<-time.After(time.Duration(seconds) * time.Second)
	}
}
