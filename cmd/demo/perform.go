package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A show is one performance on a stage.
type show struct {
	stage    *stage
	settings settings
	direct   *push
	proxied  *push
	expires  time.Time // of the direct run's only token
	renewals int       // fetches by dvproxy before the show
}

// perform runs both pushes at once, judges them and returns the exit code. The
// error says why nothing could be run.
func perform(ctx context.Context, st *stage, s settings, d *display) (int, error) {
	token, expires, err := fetchToken(ctx, st.direct)
	if err != nil {
		return exitBroken, fmt.Errorf("fetch the token of the direct run: %w", err)
	}
	sh := &show{
		stage: st, settings: s, expires: expires,
		direct:   newPush(newClient(st.direct.DataverseURL, token), s.duration),
		proxied:  newPush(newClient(st.proxy.origin, ""), s.duration),
		renewals: st.proxy.cache.Status().Renewals,
	}
	sh.run(ctx, d)
	if ctx.Err() != nil {
		fmt.Fprintf(d.out, "Interrupted after %s, before there was a verdict.\n", seconds(sh.snapshot().elapsed))
		return exitInterrupted, nil
	}
	text, held := sh.evidence(ctx).verdict(d.look)
	fmt.Fprint(d.out, text)
	if logged := st.log.String(); !held && logged != "" {
		fmt.Fprintf(d.out, "\nThe last that dvproxy logged:\n%s", logged)
	}
	if s.keep {
		keep(ctx, st, d.out)
	}
	if !held {
		return exitBroken, nil
	}
	return exitOK, nil
}

// run runs the pushes and shows them until both have ended.
func (sh *show) run(ctx context.Context, d *display) {
	var pushes sync.WaitGroup
	pushes.Go(func() { sh.direct.run(ctx) })
	pushes.Go(func() { sh.proxied.run(ctx) })
	ended := make(chan struct{})
	go func() { pushes.Wait(); close(ended) }()

	defer d.end()
	tick := time.NewTicker(d.every)
	defer tick.Stop()
	for {
		d.show(sh.snapshot())
		select {
		case <-tick.C:
		case <-ended:
			d.show(sh.snapshot())
			return
		}
	}
}

func (sh *show) snapshot() snapshot {
	now := time.Now()
	token := sh.stage.proxy.cache.Status()
	s := snapshot{
		duration: sh.settings.duration, tokenLifetime: sh.settings.tokenLifetime,
		directLeft: sh.expires.Sub(now), proxiedLeft: token.Expires.Sub(now),
		renewals: token.Renewals - sh.renewals, renewsIn: max(0, token.Renews.Sub(now)),
	}
	s.direct, s.elapsed = sh.direct.now()
	s.proxied, _ = sh.proxied.now()
	return s
}

// evidence collects what the verdict rests on, once the pushes have ended.
func (sh *show) evidence(ctx context.Context) *evidence {
	e := &evidence{
		duration: sh.settings.duration, tokenLifetime: sh.settings.tokenLifetime,
		renewals: sh.snapshot().renewals, pushed: sh.proxied.pushed, writes: sh.proxied.writes,
	}
	e.direct, _ = sh.direct.now()
	e.proxied, _ = sh.proxied.now()
	e.stored, e.readError = readBack(ctx, sh.proxied.client)
	e.executions = sh.stage.proxied.Executions()
	e.stats = sh.stage.proxied.Stats()
	return e
}
