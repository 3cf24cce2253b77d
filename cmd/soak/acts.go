package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"dvproxy/internal/simulator"
)

// An act is one thing going wrong, and what the README allows clients to see
// of it. What they see in no act is a broken promise.
type act struct {
	name      string
	entra     []simulator.Fault
	dataverse []simulator.Fault
	revoke    bool          // the tokens too, so that Entra is asked
	last      time.Duration // at least
	allow     []string      // kinds of failure, see answer.kind
	do        func(ctx context.Context, st *stage) error
}

// Kinds of failure, as the README's table has them.
const (
	noToken      = "503 dvproxy.token_unavailable"
	draining     = "503 dvproxy.draining"
	signIn       = "502 dvproxy.sign_in_refused"
	unauthorized = "502 dvproxy.upstream_unauthorized"
	unreachable  = "502 dvproxy.upstream_unreachable"
	timedOut     = "504 dvproxy.upstream_timeout"
	throttled    = "429 dvproxy.throttled"
	limited      = "429"

	noConnection     = "no connection"
	brokenConnection = "broken connection"
	brokenAnswer     = "broken answer"
)

const short = 800 * time.Millisecond

// round is every act that one dvproxy has to live through, in an order of the
// generator's.
func round(random *rand.Rand) []act {
	acts := append(append(entraActs(random), protectionActs(random)...), append(outageActs(random), append(clientActs(), reloadActs()...)...)...)
	random.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
	return acts
}

// entraActs are about tokens. An outage that follows a revocation makes
// requests wait: the token that is refused is not handed out for them.
func entraActs(random *rand.Rand) []act {
	fails := func(name string, f simulator.Fault) act {
		return act{name: "entra " + name, entra: []simulator.Fault{f}, revoke: true, last: short, allow: []string{noToken}}
	}
	down := fails("503", simulator.Fault{Kind: simulator.FaultStatus, Status: 503})
	down.revoke = false // the token that is there outlives it
	down.allow, down.name = nil, "entra 503, token alive"
	return []act{
		down,
		fails("slow", simulator.Fault{Kind: simulator.FaultDelay, Delay: time.Duration(500+random.IntN(1000)) * time.Millisecond, Count: 1}),
		fails("503", simulator.Fault{Kind: simulator.FaultStatus, Status: 503}),
		fails("429", simulator.Fault{Kind: simulator.FaultStatus, Status: 429, RetryAfter: time.Second, Count: 1}),
		fails("reset", simulator.Fault{Kind: simulator.FaultReset}),
		fails("hang", simulator.Fault{Kind: simulator.FaultHang}),
		fails("cut off", simulator.Fault{Kind: simulator.FaultTruncate, Count: 1}),
		{name: "tokens revoked", revoke: true, last: short},
		{name: "tokens revoked twice in a row", last: short, do: revokeTwice},
		{name: "secret expired, then replaced", last: 2 * time.Second, revoke: true, allow: []string{noToken, signIn}, do: rotateSecret},
		{name: "claims challenge", last: short, dataverse: []simulator.Fault{{Kind: simulator.FaultClaimsChallenge, Count: 1 + random.IntN(3)}}},
		{
			name: "401 on one path", last: 2 * time.Second, do: deniedPath,
			dataverse: []simulator.Fault{{Kind: simulator.FaultUnauthorized, Path: deniedTarget}},
		},
	}
}

// protectionActs are about the service protection limits.
func protectionActs(random *rand.Rand) []act {
	var acts []act
	for _, code := range []string{"0x80072321", "0x80072322", "0x80072326"} {
		acts = append(acts,
			act{name: "429 " + code + ", seconds", last: short, dataverse: []simulator.Fault{{Kind: simulator.FaultThrottle, Code: code, RetryAfter: time.Second, Count: 1 + random.IntN(2)}}},
			act{name: "429 " + code + ", date", last: short, do: throttleUntil(code)},
		)
	}
	return append(acts,
		act{
			name: "429 for longer than max_wait", last: maxWait + 2*time.Second, allow: []string{limited, throttled},
			dataverse: []simulator.Fault{{Kind: simulator.FaultThrottle, RetryAfter: maxWait + 2*time.Second, Count: 1}},
		},
		act{name: "real limits", last: 3 * time.Second, do: func(_ context.Context, st *stage) error {
			st.tenant.SetLimits(simulator.Limits{Requests: 40, Concurrent: 3, Window: time.Second})
			return nil
		}, allow: []string{limited, throttled}},
	)
}

// throttleUntil sets a 429 whose Retry-After is a date, two seconds from then.
func throttleUntil(code string) func(context.Context, *stage) error {
	return func(_ context.Context, st *stage) error {
		return st.tenant.FailDataverse(simulator.Fault{
			Kind: simulator.FaultStatus, Status: 429, Code: code, Count: 1,
			Message: "Number of requests exceeded the limit.",
			Header:  http.Header{"Retry-After": {time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat)}},
		})
	}
}

// outageActs are about Dataverse and the line to it.
func outageActs(random *rand.Rand) []act {
	var acts []act
	for _, status := range []int{502, 503, 504} {
		plain := simulator.Fault{Kind: simulator.FaultStatus, Status: status, Count: 2 + random.IntN(3)}
		later := plain
		later.RetryAfter = time.Second
		acts = append(acts,
			act{name: fmt.Sprint(status), last: short, dataverse: []simulator.Fault{plain}, allow: []string{fmt.Sprint(status)}},
			act{name: fmt.Sprint(status, " with Retry-After"), last: short, dataverse: []simulator.Fault{later}, allow: []string{fmt.Sprint(status)}},
		)
	}
	reads := simulator.Fault{Kind: simulator.FaultStatus, Status: 502 + random.IntN(3), Method: http.MethodGet, Path: rowsTarget, Count: 1 + random.IntN(2)}
	acts = append(acts, act{name: fmt.Sprint(reads.Status, ", reads only"), last: short, dataverse: []simulator.Fault{reads}})
	for _, kind := range []simulator.FaultKind{
		simulator.FaultReset, simulator.FaultResetAfterBody, simulator.FaultResetAfterExecute,
		simulator.FaultTruncate, simulator.FaultTruncateChunks, simulator.FaultCorruptGzip, simulator.FaultTruncateGzip,
	} {
		acts = append(acts, act{
			name: string(kind), last: short, allow: []string{unreachable, brokenAnswer},
			dataverse: []simulator.Fault{{Kind: kind, Count: 2 + random.IntN(4)}},
		})
		if kind == simulator.FaultTruncateChunks {
			continue // without a declared length it streams, and is not sent again
		}
		acts = append(acts, act{
			// Three strikes at most: what is safe to send again has four attempts.
			name: string(kind) + ", reads only", last: short,
			dataverse: []simulator.Fault{{Kind: kind, Method: http.MethodGet, Path: rowsTarget, Count: 1 + random.IntN(3)}},
		})
	}
	return append(acts,
		act{name: "answers trickle", last: short, dataverse: []simulator.Fault{{Kind: simulator.FaultTrickle, Bytes: 50, Count: 5}}},
		act{name: "dataverse slow", last: short, dataverse: []simulator.Fault{{Kind: simulator.FaultDelay, Delay: 400 * time.Millisecond, Count: 6}}},
		// Where a limit is in force, others wait for the places of those that hang.
		act{
			name: "dataverse hangs", last: patience + time.Second, allow: []string{timedOut, throttled},
			dataverse: []simulator.Fault{{Kind: simulator.FaultHang, Count: 2}},
		},
	)
}
