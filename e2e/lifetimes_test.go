package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// The main job: a push that is much longer than a token's life.
func TestTwelveLifetimes(t *testing.T) {
	const lifetime, lifetimes = 2 * time.Second, 12
	s := tenant(t, simulator.Options{TokenLifetime: lifetime})
	p := serve(t, s)
	p.ready(t)
	outcomes := push(t, p.origin, 32, lifetimes*lifetime)
	stats := s.Stats()
	if bad := outcomes.bad(); len(bad) > 0 || outcomes.total() < 1000 {
		t.Errorf("%d requests, of which not 2xx: %v", outcomes.total(), bad)
	}
	if stats.DeadTokens > 0 || len(stats.Refused) > 0 {
		t.Errorf("%d dead tokens reached upstream; refused %v", stats.DeadTokens, stats.Refused)
	}
	if stats.Repeated > 0 || stats.Rows["accounts"] != stats.Executed {
		t.Errorf("%d rows, %d executions, %d repeated", stats.Rows["accounts"], stats.Executed, stats.Repeated)
	}
	calls := tokenCalls(s)
	if calls > 4*lifetimes {
		t.Errorf("%d token calls in %d lifetimes, want 4 a lifetime at most", calls, lifetimes)
	}
	t.Logf("%d requests, %d rows, %d token calls in %d lifetimes", outcomes.total(), stats.Executed, calls, lifetimes)
}

func TestAThousandRequestsAtAColdStart(t *testing.T) {
	s := tenant(t, simulator.Options{})
	if err := s.FailEntra(simulator.Fault{Kind: simulator.FaultHang}); err != nil {
		t.Fatal(err)
	}
	p := serve(t, s)
	var outcomes tally
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			method, body := "GET", ""
			if i%2 == 0 {
				method, body = "POST", `{"name":"x"}`
			}
			c := newClient(t)
			if method == "GET" {
				outcomes.add(send(t, c, method, p.origin+accounts+"?$top=1", nil))
			} else {
				outcomes.add(send(t, c, method, p.origin+accounts, strings.NewReader(body)))
			}
		})
	}
	eventually(t, 40*time.Second, "all of them wait for the token", func() bool {
		return strings.Contains(metrics(t, p), "dvproxy_requests_in_flight{environment=\"127.0.0.1\"} 1000\n")
	})
	s.ClearEntraFaults()
	wg.Wait()
	issued := s.Stats().TokenCalls["issued"]
	if bad := outcomes.bad(); len(bad) > 0 || issued != 1 {
		t.Errorf("%d tokens, not 2xx: %v; want 1 and nothing", issued, bad)
	}
}

// A path that refuses every token is its callers' trouble alone, even if the
// others' tokens are revoked meanwhile.
func TestAPathThatAlwaysAnswers401(t *testing.T) {
	s := tenant(t, simulator.Options{})
	p := serve(t, s)
	p.ready(t)
	const odd = "/api/data/v9.2/secrets"
	if err := s.FailDataverse(simulator.Fault{Kind: simulator.FaultUnauthorized, Path: odd}); err != nil {
		t.Fatal(err)
	}
	var refused tally
	var wg sync.WaitGroup
	end := time.Now().Add(6 * time.Second)
	for range 16 {
		wg.Go(func() {
			c := newClient(t)
			for time.Now().Before(end) {
				refused.add(send(t, c, "POST", p.origin+odd, strings.NewReader(`{"name":"x"}`)))
			}
		})
	}
	revoke := time.AfterFunc(3*time.Second, func() { s.RevokeTokens() })
	defer revoke.Stop()
	outcomes := push(t, p.origin, 16, 6*time.Second)
	wg.Wait()
	if bad := outcomes.bad(); len(bad) > 0 {
		t.Errorf("others were answered %v", bad)
	}
	if len(refused.counts) != 1 || refused.counts["502 dvproxy.upstream_unauthorized"] < 100 {
		t.Errorf("its callers were answered %v, want 502 dvproxy.upstream_unauthorized", refused.counts)
	}
	if calls := tokenCalls(s); calls > 10 {
		t.Errorf("%d token calls, want 10 at most", calls)
	}
	t.Logf("%d refused, %d others, %d token calls", refused.total(), outcomes.total(), tokenCalls(s))
}

// Whatever the token endpoint does for half a lifetime, no request fails.
func TestTokenEndpointDown(t *testing.T) {
	const lifetime = 8 * time.Second
	faults := map[string]simulator.Fault{
		"refusing":      {Kind: simulator.FaultRefuse},
		"resetting":     {Kind: simulator.FaultReset},
		"hanging":       {Kind: simulator.FaultHang},
		"500":           {Kind: simulator.FaultStatus, Status: 500},
		"429":           {Kind: simulator.FaultStatus, Status: 429, RetryAfter: 2 * time.Second},
		"HTML":          {Kind: simulator.FaultHTML},
		"a redirect":    {Kind: simulator.FaultRedirect},
		"4 MiB of junk": {Kind: simulator.FaultJunk, Bytes: 4 << 20},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tenant(t, simulator.Options{TokenLifetime: lifetime})
			p := serve(t, s)
			p.ready(t)
			if err := s.FailEntra(fault); err != nil {
				t.Fatal(err)
			}
			clear := time.AfterFunc(lifetime/2, s.ClearEntraFaults)
			defer clear.Stop()
			outcomes := push(t, p.origin, 4, lifetime)
			if bad := outcomes.bad(); len(bad) > 0 || s.Stats().DeadTokens > 0 {
				t.Errorf("not 2xx: %v; dead tokens sent: %d", bad, s.Stats().DeadTokens)
			}
			if s.Stats().TokenCalls["issued"] == tokenCalls(s) {
				t.Error("the fault struck nothing")
			}
		})
	}
}

// Down for longer than a token lives: everybody waits no longer than max_wait,
// and is told when to come again.
func TestTokenEndpointDownPastExpiry(t *testing.T) {
	s := tenant(t, simulator.Options{TokenLifetime: 2 * time.Second})
	p := serve(t, s, "DVPROXY_CONFIG="+configFile(t, "environments:\n  - retry: {max_wait: 2s}\n"))
	p.ready(t)
	if err := s.FailEntra(simulator.Fault{Kind: simulator.FaultStatus, Status: 503}); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the token is dead", func() bool {
		return send(t, newClient(t), "GET", p.admin+"/readyz", nil).status == http.StatusServiceUnavailable
	})
	before := tokenCalls(s)
	start := time.Now()
	var wg sync.WaitGroup
	for range 300 {
		wg.Go(func() {
			o := send(t, newClient(t), "POST", p.origin+accounts, strings.NewReader(`{"name":"x"}`))
			if o.status != 503 || o.code != "dvproxy.token_unavailable" || o.header.Get("Retry-After") == "" {
				t.Errorf("answered %v with Retry-After %q", o, o.header.Get("Retry-After"))
			}
		})
	}
	wg.Wait()
	// Tokens of 2 s are asked for again after 100 ms at the soonest, one call
	// at a time.
	if calls, most := tokenCalls(s)-before, int(time.Since(start)/(100*time.Millisecond))+1; calls > most {
		t.Errorf("%d token calls for 300 waiters in %v, want %d at most", calls, time.Since(start), most)
	}
	s.ClearEntraFaults()
	p.ready(t)
	if o := send(t, newClient(t), "POST", p.origin+accounts, strings.NewReader(`{"name":"y"}`)); o.status != 204 {
		t.Errorf("after the outage: %v", o)
	}
	if s.Stats().Executed != 1 {
		t.Errorf("%d executions, want 1: those that were answered 503 must not be", s.Stats().Executed)
	}
}
