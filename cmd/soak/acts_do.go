package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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
