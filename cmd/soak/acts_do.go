package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"dvproxy/internal/simulator"
)

const (
	apiPath      = "/api/data/v9.2/"
	deniedTarget = apiPath + "denied"
	rowsTarget   = apiPath + "accounts"
)

// rotateSecret lets the secret expire, and puts another in its place.
func rotateSecret(ctx context.Context, st *stage) error {
	st.secrets++
	secret := fmt.Sprintf("soak-secret-number-%d", st.secrets)
	if err := st.tenant.FailEntra(simulator.Fault{Kind: simulator.FaultAADSTS, Code: "7000222"}); err != nil {
		return err
	}
	st.wait(ctx, time.Second)
	st.tenant.ClearEntraFaults()
	st.tenant.SetSecrets(secret)
	return st.program.writeSecret(secret)
}

// revokeTwice revokes the tokens, and again as soon as there is a new one: the
// requests that were refused are on their way with it, or were just answered.
// Each time all of them come through before the next; thrice in a row is more
// than dvproxy promises.
func revokeTwice(ctx context.Context, st *stage) error {
	st.tenant.RevokeTokens() // that mends what the act before may have left
	for range 5 {
		if !st.until(ctx, mendLimit, st.passes(ctx)) && ctx.Err() == nil {
			return errors.New("requests do not pass")
		}
		st.answered()
		before := st.tenant.Stats().TokenCalls["issued"]
		st.tenant.RevokeTokens()
		limited, cancel := context.WithTimeout(ctx, strikeLimit)
		for st.tenant.Stats().TokenCalls["issued"] == before && limited.Err() == nil {
			st.wait(limited, 100*time.Microsecond)
		}
		cancel()
		st.tenant.RevokeTokens()
	}
	return nil
}

// deniedPath asks once for what Dataverse answers with 401 whatever the token:
// that is no 401 for the client.
func deniedPath(ctx context.Context, st *stage) error {
	a := st.send(ctx, request{method: http.MethodGet, path: "denied"})
	if got := a.kind(); got != unauthorized {
		st.book.broke("401 on one path: the client saw %q, want %q", got, unauthorized)
	}
	return nil
}

// clientActs are what clients do.
func clientActs() []act {
	return []act{
		{name: "clients leave", last: short, do: leave},
		{name: "stalled uploads", last: short, do: stall},
	}
}

// leave sends writes whose client hangs up soon.
func leave(ctx context.Context, st *stage) error {
	if err := st.tenant.FailDataverse(simulator.Fault{Kind: simulator.FaultDelay, Delay: 200 * time.Millisecond, Count: 4}); err != nil {
		return err
	}
	for n := range 8 {
		impatient, cancel := context.WithTimeout(ctx, time.Duration(20+30*n)*time.Millisecond)
		st.write(impatient, st.create("leaves"))
		cancel()
	}
	return nil
}

// stall sends bodies that pause half way, and then go on or end in an error.
func stall(ctx context.Context, st *stage) error {
	for _, goesOn := range []bool{true, false, true} {
		w := st.create("stalls")
		half := len(w.body) / 2
		w.stream = func() *stalled {
			return &stalled{first: strings.NewReader(w.body[:half]), second: strings.NewReader(w.body[half:]), goesOn: goesOn, ctx: ctx, st: st}
		}
		w.leaves = !goesOn
		st.write(ctx, w)
	}
	return nil
}

// restarts are the acts that end the process, so they come before the rounds:
// what one process holds is compared over all of those.
func restarts() []act {
	restart := []string{noConnection, brokenConnection, brokenAnswer, draining}
	outage := simulator.Fault{Kind: simulator.FaultStatus, Status: 503}
	return []act{
		{name: "SIGTERM, drain, start", allow: restart, do: func(ctx context.Context, st *stage) error {
			if err := st.program.terminate(ctx); err != nil {
				st.book.broke("%v", err)
			}
			return st.program.start(ctx)
		}},
		{name: "SIGTERM during 429, start", allow: restart, do: func(ctx context.Context, st *stage) error {
			if err := st.tenant.FailDataverse(simulator.Fault{Kind: simulator.FaultThrottle, RetryAfter: 2 * time.Second, Count: 1}); err != nil {
				return err
			}
			st.wait(ctx, 500*time.Millisecond)
			if err := st.program.terminate(ctx); err != nil {
				st.book.broke("%v", err)
			}
			return st.program.start(ctx)
		}},
		{name: "kill, start, entra 503", allow: restart, entra: []simulator.Fault{outage}, do: func(ctx context.Context, st *stage) error {
			st.program.kill()
			if err := st.program.start(ctx); err != nil {
				return err
			}
			if a := st.send(ctx, request{method: http.MethodGet, path: "WhoAmI"}); a.kind() != "" {
				st.book.broke("first request after a restart with Entra down: the client saw %q", a.kind())
			}
			return nil
		}},
	}
}
