package e2e

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

func TestSIGTERMLosesNothing(t *testing.T) {
	for round := range 5 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			s := tenant(t, simulator.Options{})
			p := start(t, []string{"proxy", "proxyrace"}[round%2], env(s), "serve")
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
			eventually(t, 30*time.Second, "all are in flight", func() bool { return s.Stats().Requests == 50 })
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
	t.Parallel()
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
	t.Parallel()
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

// What is held is let go at once, for a token or for another attempt, and
// executed by nobody.
func TestSIGTERMLetsGoOfHeldRequests(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	if err := s.FailEntra(simulator.Fault{Kind: simulator.FaultHang}); err != nil {
		t.Fatal(err)
	}
	p := start(t, "proxyrace", env(s), "serve")
	const requests = 20
	outcomes := make(chan outcome, requests)
	for range requests {
		go func() {
			outcomes <- send(t, newClient(t), "POST", p.origin+accounts, strings.NewReader(`{"name":"x"}`))
		}()
	}
	eventually(t, 10*time.Second, "all are held", func() bool {
		return strings.Contains(metrics(t, p), fmt.Sprintf("dvproxy_requests_in_flight{environment=%q} %d", "127.0.0.1", requests))
	})
	if code := p.terminate(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for range requests {
		if o := <-outcomes; o.status != 503 || o.code != "dvproxy.draining" || o.header.Get("Retry-After") != "1" {
			t.Errorf("answered %v %v", o, o.header)
		}
	}
	if n := s.Stats().Executed; n != 0 {
		t.Errorf("%d were executed", n)
	}
}

// drain.delay: everything is as before, but that it is not ready.
func TestDrainDelay(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	p := serve(t, s, "DVPROXY_CONFIG="+configFile(t, "drain: {delay: 3s}\n"))
	p.ready(t)
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "it is not ready any more", func() bool {
		return send(t, newClient(t), "GET", p.admin+"/readyz", nil).status == 503
	})
	o := send(t, newClient(t), "GET", p.origin+accounts, nil) // on a new connection
	if served := time.Since(begin); served < 3*time.Second && o.status != 200 {
		t.Errorf("%v after the signal, answered %v", served, o)
	}
	if code := p.wait(t); code != 0 || time.Since(begin) < 3*time.Second {
		t.Errorf("exit code %d after %v", code, time.Since(begin))
	}
}

// A second signal does not wait: not for what is in flight, nor for the delay.
func TestASecondSignal(t *testing.T) {
	for name, config := range map[string]string{"in flight": "drain: {timeout: 1m}\n", "delay": "drain: {delay: 1m}\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tenant(t, simulator.Options{})
			p := start(t, "proxyrace", append(env(s), "DVPROXY_CONFIG="+configFile(t, config)), "serve")
			p.ready(t)
			if err := s.FailDataverse(simulator.Fault{Kind: simulator.FaultHang}); err != nil {
				t.Fatal(err)
			}
			done := make(chan outcome, 1)
			go func() { done <- send(t, newClient(t), "GET", p.origin+accounts, nil) }()
			eventually(t, 10*time.Second, "it is in flight", func() bool { return s.Stats().Requests == 1 })
			if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			eventually(t, 10*time.Second, "it drains", func() bool { return strings.Contains(p.allLogs(), `"msg":"draining"`) })
			eventually(t, 20*time.Second, "it ends", func() bool { // one in the same burst as the first does not count
				_ = p.cmd.Process.Signal(syscall.SIGTERM)
				select {
				case <-p.exited:
					return true
				default:
					return false
				}
			})
			if code := p.wait(t); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			if o := <-done; o.err == nil {
				t.Errorf("answered %v, want a broken connection", o)
			}
			if !strings.Contains(p.allLogs(), "a second signal") {
				t.Error("the log does not tell")
			}
		})
	}
}

// BenchmarkStop is the time from SIGTERM to the end of the process, with
// nothing in flight and one connection that is kept alive.
func BenchmarkStop(b *testing.B) {
	s := tenant(b, simulator.Options{})
	for b.Loop() {
		b.StopTimer()
		p := start(b, "proxy", env(s), "serve")
		p.ready(b)
		send(b, newClient(b), "GET", p.origin+accounts, nil)
		b.StartTimer()
		if code := p.terminate(b); code != 0 {
			b.Fatal(code)
		}
	}
}
