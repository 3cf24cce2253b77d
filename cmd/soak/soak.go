package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"
)

// playIn plays in a folder of its own, which stays if a promise was broken.
func playIn(ctx context.Context, s settings, out io.Writer) (broken bool, err error) {
	dir, err := os.MkdirTemp("", "dvproxy-soak-")
	if err != nil {
		return false, err
	}
	defer func() {
		if !broken {
			_ = os.RemoveAll(dir)
		}
	}()
	play := soak
	if s.cuts > 0 {
		play = cutAll
	}
	return play(ctx, s, dir, out)
}

// soak plays the schedule and prints what came of it.
func soak(ctx context.Context, s settings, dir string, out io.Writer) (broken bool, err error) {
	fmt.Fprintf(out, "soak: seed %d, %v, %d clients\n", s.seed, s.duration, s.clients)
	st, err := newStage(ctx, s, dir, nil)
	if err != nil {
		return false, err
	}
	defer st.close()
	r := &report{out: out, settings: s, dir: dir, began: time.Now(), live: isTerminal(out)}
	if err = st.perform(ctx, s, r); ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil {
		log, _ := st.program.lastLog()
		return false, fmt.Errorf("%w; the end of dvproxy's log:\n%s", err, log)
	}
	log, race := st.program.lastLog()
	if race {
		st.book.broke("the race detector has found a data race in dvproxy")
	}
	if broken = r.verdict(st); broken {
		fmt.Fprintf(out, "\nThe end of dvproxy's log:\n%s\n", log)
	}
	return broken, nil
}

// perform plays the restarts, and then rounds for as long as there is time.
func (st *stage) perform(ctx context.Context, s settings, r *report) (err error) {
	st.book.enter(act{name: "warm-up"})
	stop := st.crowd(ctx, s)
	defer stop()
	if err := st.playAll(ctx, restarts(), r, func() bool { return false }); err != nil {
		return err
	}
	st.wait(ctx, 2*time.Second)
	measure := func() {
		st.balance()
		var u usage
		u, err = st.program.usage(ctx)
		r.held = append(r.held, u)
	}
	st.pause(ctx, measure)
	over := func() bool { return time.Since(r.began) >= s.duration }
	for n := uint64(1); err == nil && (n == 1 || !over()) && ctx.Err() == nil; n++ {
		random := rand.New(rand.NewPCG(s.seed, 1<<32+n)) //nolint:gosec // it need not be secret
		if err := st.playAll(ctx, round(random), r, func() bool { return n > 1 && over() }); err != nil {
			return err
		}
		st.pause(ctx, measure)
	}
	return err
}

func (st *stage) playAll(ctx context.Context, acts []act, r *report, over func() bool) error {
	for _, a := range acts {
		if over() || ctx.Err() != nil {
			break
		}
		r.progress(st, a.name)
		if err := st.play(ctx, a); err != nil {
			return err
		}
	}
	st.book.enter(act{name: "quiet"})
	return nil
}
