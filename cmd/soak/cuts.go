package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	cutClients  = 96 // those that wait to be sent again cost nothing
	cutsAPart   = 20_000
	cutPatience = time.Minute // a cut that is not noticed is a broken promise; a busy machine is not
)

// cutAll sends POSTs until so many connections were cut under them, and prints
// what came of it.
func cutAll(ctx context.Context, s settings, dir string, out io.Writer) (broken bool, err error) {
	fmt.Fprintf(out, "soak: seed %d, %d cuts\n", s.seed, s.cuts)
	r, err := newRelay(rand.New(rand.NewPCG(s.seed, 0))) //nolint:gosec // it need not be secret
	if err != nil {
		return false, err
	}
	defer r.close()
	r.bytes = s.http2
	st, err := newStage(ctx, s, dir, r)
	if err != nil {
		return false, err
	}
	defer st.close()
	// A client that is still sending when its 502 comes may meet the end of the
	// connection first (docs/decisions/010).
	st.book.enter(act{name: "cuts", allow: []string{unreachable, brokenAnswer, brokenConnection}})
	report := &report{out: out, settings: s, dir: dir, began: time.Now(), live: isTerminal(out)}
	for ctx.Err() == nil && r.struck() < s.cuts && st.book.complaints() == 0 {
		stop := st.tell(ctx, report, r)
		st.posts(ctx, s, r, min(r.struck()+cutsAPart, s.cuts))
		stop()
		st.pause(ctx, st.balance)
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return report.cuts(st, r), nil
}

// tell says every few seconds how far it is, until stop.
func (st *stage) tell(ctx context.Context, report *report, r *relay) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var told sync.WaitGroup
	told.Go(func() {
		for ctx.Err() == nil {
			report.progress(st, fmt.Sprintf("%d cuts", r.struck()))
			st.wait(ctx, 5*time.Second)
		}
	})
	return func() { cancel(); told.Wait() }
}

// posts sends POSTs until there were so many cuts.
func (st *stage) posts(ctx context.Context, s settings, r *relay, cuts int) {
	var all sync.WaitGroup
	clients := cutClients
	if s.race {
		clients /= 8
	}
	for n := range clients {
		all.Go(func() {
			random := rand.New(rand.NewPCG(s.seed, st.seeds.Add(1)<<16+uint64(n))) //nolint:gosec // it need not be secret, and n is small
			for ctx.Err() == nil && r.struck() < cuts && st.book.complaints() == 0 {
				st.gate.RLock()
				st.write(ctx, st.post(random))
				st.gate.RUnlock()
			}
		})
	}
	all.Wait()
}

// post is a POST of any kind: short and long, its length known and not, with
// and without leave, answered with and without a body.
func (st *stage) post(random *rand.Rand) request {
	r := st.create("cuts")
	sizes := []int{0, 0, 500, 500, 500, 500, 500, 500, 5_000, 5_000, 5_000, 60_000, 60_000, 300_000}
	size := sizes[random.IntN(len(sizes))]
	name, _ := strings.CutPrefix(r.keys[0], "accounts/")
	r.body = fmt.Sprintf(`{"name":%q,"note":%q}`, name, strings.Repeat("z", size))
	r.chunked = random.IntN(3) == 0
	r.header = http.Header{}
	if random.IntN(3) > 0 {
		r.header.Set("Prefer", "return=representation")
	}
	if random.IntN(6) == 0 {
		r.header.Set("Expect", "100-continue")
	}
	return r
}
