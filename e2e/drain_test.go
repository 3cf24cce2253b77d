package e2e

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

func TestSIGTERMLosesNothing(t *testing.T) {
	for round := range 5 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			s := tenant(t, simulator.Options{})
			p := serve(t, s)
			p.ready(t)
			if err := s.FailDataverse(simulator.Fault{Kind: simulator.FaultDelay, Delay: time.Second}); err != nil {
				t.Fatal(err)
			}
			unused, err := net.Dial("tcp", strings.TrimPrefix(strings.Replace(p.origin, "localhost", "127.0.0.1", 1), "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer unused.Close() // a connection that carries no request holds nothing up
			var outcomes tally
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					outcomes.add(send(t, newClient(t), "POST", p.origin+accounts, strings.NewReader(fmt.Sprintf(`{"name":"row-%d"}`, i))))
				})
			}
			eventually(t, 10*time.Second, "all are in flight", func() bool { return s.Stats().Requests == 50 })
			begin := time.Now()
			if code := p.terminate(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
			wg.Wait()
			if bad := outcomes.bad(); len(bad) > 0 || outcomes.total() != 50 || s.Stats().Executed != 50 {
				t.Errorf("of %d, not 2xx: %v; %d executed", outcomes.total(), bad, s.Stats().Executed)
			}
			t.Logf("drained in %v", time.Since(begin).Round(time.Millisecond))
		})
	}
}

func TestSIGTERMWithNothingInFlight(t *testing.T) {
	s := tenant(t, simulator.Options{})
	p := serve(t, s)
	p.ready(t)
	c := newClient(t)
	send(t, c, "GET", p.origin+accounts, nil) // its connection stays open
	if code := p.terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The limit cuts off what does not end.
func TestDrainTimeout(t *testing.T) {
	s := tenant(t, simulator.Options{})
	p := serve(t, s, "DVPROXY_CONFIG="+configFile(t, "drain: {timeout: 500ms}\n"))
	p.ready(t)
	if err := s.FailDataverse(simulator.Fault{Kind: simulator.FaultHang}); err != nil {
		t.Fatal(err)
	}
	done := make(chan outcome)
	go func() { done <- send(t, newClient(t), "GET", p.origin+accounts, nil) }()
	eventually(t, 10*time.Second, "it is in flight", func() bool { return s.Stats().Requests == 1 })
	if code := p.terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if o := <-done; o.err == nil {
		t.Errorf("the request that was cut off was answered %v", o)
	}
	if !strings.Contains(p.allLogs(), "cut off") {
		t.Error("the log does not tell")
	}
}
