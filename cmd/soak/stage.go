package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dvproxy/internal/simulator"
)

const (
	tokenLifetime = 30 * time.Second
	mendLimit     = 60 * time.Second // for a mended fault to be over
	strikeLimit   = 30 * time.Second // for a fault to strike
	quietLimit    = 60 * time.Second // for dvproxy to finish what is in flight
)

// A stage is dvproxy, the tenant behind it and the clients before it.
type stage struct {
	tenant  *simulator.Server
	program *program
	client  *http.Client
	book    *book
	gate    sync.RWMutex // held for reading by each request
	names   atomic.Int64
	seeds   atomic.Uint64
	secrets int
	prefix  string

	faults, tokens map[string]int // of the rounds before
	refused        int            // dead tokens of the rounds before
}

// newStage starts everything; between dvproxy and the tenant stands a relay, if
// there is one.
func newStage(ctx context.Context, s settings, dir string, between *relay) (*stage, error) {
	file := s.proxy
	var err error
	if file == "" {
		if file, err = build(ctx, dir, s.race); err != nil {
			return nil, err
		}
	}
	st := &stage{client: newClient(), book: newBook(), prefix: fmt.Sprintf("soak-%d-", s.seed), faults: map[string]int{}, tokens: map[string]int{}}
	where := path{patience: patience}
	options, listen := simulator.Options{TokenLifetime: tokenLifetime}, simulator.ListenOptions{}
	if between != nil {
		where = path{origin: between.origin(), patience: cutPatience}
		options.Origin = where.origin
	}
	if s.http2 {
		if listen.TLS, where.caFile, err = certify(dir); err != nil {
			return nil, err
		}
	}
	if st.tenant, err = simulator.New(options).Listen(listen); err != nil {
		return nil, fmt.Errorf("start the simulator: %w", err)
	}
	if between != nil {
		_, host, _ := strings.Cut(st.tenant.DataverseURL, "://")
		between.start(host)
	} else {
		where.origin = st.tenant.DataverseURL
	}
	st.program, err = newProgram(file, dir, st.tenant, where)
	if err == nil {
		err = st.program.start(ctx)
	}
	if err != nil {
		st.close()
		return nil, err
	}
	return st, nil
}

func (st *stage) close() {
	if st.program != nil {
		st.program.kill()
	}
	st.tenant.Close()
}

func (st *stage) name(what string) string {
	return fmt.Sprintf("%s%s-%d", st.prefix, what, st.names.Add(1))
}

// wait waits, unless ctx ends before.
func (st *stage) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// until polls: real processes are at work, so there is no event to wait for.
func (st *stage) until(ctx context.Context, limit time.Duration, holds func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for !holds() {
		if ctx.Err() != nil {
			return false
		}
		st.wait(ctx, 50*time.Millisecond)
	}
	return true
}

// play lets an act happen, and mends it. It is over only when requests pass.
func (st *stage) play(ctx context.Context, a act) error {
	st.book.enter(a)
	before := st.struck()
	var err error
	for _, f := range a.entra {
		err = errors.Join(err, st.tenant.FailEntra(f))
	}
	for _, f := range a.dataverse {
		err = errors.Join(err, st.tenant.FailDataverse(f))
	}
	if a.revoke {
		st.tenant.RevokeTokens()
	}
	if a.do != nil {
		err = errors.Join(err, a.do(ctx, st))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	st.wait(ctx, a.last)
	if len(a.dataverse) > 0 || len(a.entra) > 0 && a.revoke {
		if !st.until(ctx, strikeLimit, func() bool { return st.struck() > before }) && ctx.Err() == nil {
			st.book.broke("%s: the fault never struck", a.name)
		}
	}
	st.tenant.ClearEntraFaults()
	st.tenant.ClearDataverseFaults()
	st.tenant.SetLimits(simulator.Limits{})
	if !st.until(ctx, mendLimit, st.passes(ctx)) && ctx.Err() == nil {
		st.book.broke("%s: requests do not pass %v after its end", a.name, mendLimit)
	}
	return nil
}

// passes says whether a request does.
func (st *stage) passes(ctx context.Context) func() bool {
	return func() bool {
		return st.send(ctx, request{method: http.MethodGet, path: "WhoAmI"}).kind() == ""
	}
}

// answered waits until each request that is under way now has its answer.
func (st *stage) answered() {
	st.gate.Lock()
	defer st.gate.Unlock()
}

// struck is how many faults there were.
func (st *stage) struck() (n int) {
	stats := st.tenant.Stats()
	for _, count := range stats.Faults {
		n += count
	}
	for outcome, count := range stats.TokenCalls {
		if outcome != "issued" {
			n += count
		}
	}
	return n
}

// pause stops the clients, waits until nothing is in flight, and does what is
// to be done then.
func (st *stage) pause(ctx context.Context, then func()) {
	st.gate.Lock()
	defer st.gate.Unlock()
	st.client.CloseIdleConnections()
	quiet := func() bool {
		text, err := st.program.metrics(ctx)
		return err == nil && sum(text, "dvproxy_requests_in_flight") == 0
	}
	if !st.until(ctx, quietLimit, quiet) && ctx.Err() == nil {
		st.book.broke("requests are still in flight, %v after the last client has gone", quietLimit)
	}
	http.DefaultClient.CloseIdleConnections()
	then()
}

// balance settles a round: what was done, against what clients were told.
func (st *stage) balance() {
	st.book.balance(st.tenant.Executions())
	stats := st.tenant.Stats()
	for kind, n := range stats.Faults {
		st.faults["dataverse "+kind] += n
	}
	for outcome, n := range stats.TokenCalls {
		st.tokens[outcome] += n
	}
	for code, n := range maps.All(stats.Throttled) {
		st.faults["limit "+code] += n
	}
	st.refused += stats.DeadTokens
	st.tenant.ResetStats()
	st.tenant.ClearRows()
}

// crowd starts the clients; they go on until stop.
func (st *stage) crowd(ctx context.Context, s settings) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for n := range s.clients {
		all.Go(func() { st.work(ctx, rand.New(rand.NewPCG(s.seed, uint64(n)))) }) //nolint:gosec // it need not be secret, and n is small
	}
	return func() { cancel(); all.Wait() }
}
