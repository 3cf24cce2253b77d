package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// 500 reloads under load, good files and bad ones in turn: no client notices, and
// nothing is left behind.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	const clients, reloads = 16, 500
	s := tenant(t, simulator.Options{TokenLifetime: 3 * time.Second})
	// So that at each reload most clients have a request in flight, and yet are no
	// burden to the machine.
	if err := s.FailDataverse(simulator.Fault{Kind: simulator.FaultDelay, Delay: 100 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	base := "environments:\n" + yamlOf(s, "main", "    listen: localhost:0\n")
	good := []string{
		base,
		base + "    max_concurrent: 12\n    renew_at: 0.5\n",
		base + "    affinity: spread\n    retry: {max_wait: 30s, memory: 0}\n" + yamlOf(s, "other", "    listen: localhost:0\n"),
		base + "    timeouts: {connect: 2s}\ndrain: {timeout: 5s}\nlog: {level: debug}\n",
	}
	bad := []string{
		"environments: [",
		base + "    renew_at: 7\n",
		"environments:\n" + yamlOf(s, "main", "    listen: "+s.DataverseURL[len("http://"):]+"\n"),
		base + "    ca_file: /nowhere\n",
	}
	p := serveFile(t, base)
	p.ready(t)
	opened, answered, stop := int64(0), make(chan struct{}, 1), make(chan struct{})
	var outcomes tally
	var wg sync.WaitGroup
	var rows atomic.Int64
	for range clients {
		wg.Go(func() {
			c := newClient(t)
			c.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				atomic.AddInt64(&opened, 1)
				return new(net.Dialer).DialContext(ctx, network, address)
			}
			for {
				select {
				case <-stop:
					return
				default:
					outcomes.add(send(t, c, "POST", p.origin+accounts, strings.NewReader(fmt.Sprintf(`{"name":"row-%d"}`, rows.Add(1)))))
					notify(answered)
				}
			}
		})
	}
	before := p.usage(t)
	for n := range reloads {
		<-answered
		if n%2 == 0 {
			p.change(t, good[n/2%len(good)], "")
		} else {
			p.change(t, bad[n/2%len(bad)], "")
		}
	}
	close(stop)
	wg.Wait()
	stats := s.Stats()
	if bad := outcomes.bad(); len(bad) > 0 {
		t.Errorf("clients saw %v", bad)
	}
	if want := int(rows.Load()); stats.Rows["accounts"] != want || stats.Repeated != 0 || want < reloads {
		t.Errorf("%d rows, %d more than once; want %d, none", stats.Rows["accounts"], stats.Repeated, want)
	}
	if opened != clients {
		t.Errorf("%d clients opened %d connections", clients, opened)
	}
	for _, want := range []string{`dvproxy_config_reloads_total{result="ok"} 250`, `dvproxy_config_reloads_total{result="refused"} 250`} {
		if !strings.Contains(metrics(t, p.proxy), want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
	p.change(t, base, reloaded)
	eventually(t, 10*time.Second, "goroutines and descriptors are as before", func() bool {
		now := p.usage(t)
		return now.goroutines <= before.goroutines+20 && now.descriptors <= before.descriptors+20
	})
	t.Logf("%d requests over %d connections; token calls %v", outcomes.total(), opened, stats.TokenCalls)
}
