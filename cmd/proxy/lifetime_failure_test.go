package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

func TestLifetimeShowWithoutPermission(t *testing.T) {
	b := newLifetimeBench(t)
	b.SetGraphPermissions()
	b.lifetime("show").want(t, exitOK, "expires_in 3599", "for want of the permission Application.Read.All")
	b.SetGraphPermissions("Application.Read.All")
	b.lifetime("show").want(t, exitOK, "expires_in 3599", "for want of the permission Policy.Read.All")
	b.lifetime("set 5h --yes").want(t, exitFailed, "403 Authorization_RequestDenied", "Policy.ReadWrite.ApplicationConfiguration")
	b.SetGraphPermissions("Application.Read.All", "Policy.Read.All")
	b.lifetime("show").want(t, exitOK, "policy of Dataverse     none")
	b.lifetime("set 5h --yes").want(t, exitFailed, "create the policy", "permission Policy.ReadWrite.ApplicationConfiguration", "nothing is changed")
	b.SetGraphPermissions("Application.Read.All", "Policy.Read.All", "Policy.ReadWrite.ApplicationConfiguration")
	b.lifetime("set 5h --yes").want(t, exitFailed, "assign the policy", "Application.ReadWrite.All", "nothing is changed")
	if len(b.GraphPolicies()) > 0 {
		t.Errorf("left: %v", b.GraphPolicies())
	}
}

// A failure of Entra or Graph is an error, and what could be read is shown.
func TestLifetimeShowFailures(t *testing.T) {
	b := newLifetimeBench(t)
	if err := b.FailGraph(simulator.Fault{Kind: simulator.FaultHTML}); err != nil {
		t.Fatal(err)
	}
	b.lifetime("show").want(t, exitFailed, "expires_in 3599", "not Graph's JSON")
	b.SetSecrets("another")
	b.lifetime("show").want(t, exitFailed, "AADSTS7000215")
	if s := b.lifetime("show --json"); s.code != exitFailed || !json.Valid([]byte(s.stdout)) {
		t.Errorf("%d %s", s.code, s.stdout)
	}
}

// Each call may fail, or be done and its answer lost: the policy stands or there
// is none, and the next run gets there.
func TestLifetimeFaultsAfterEachCall(t *testing.T) {
	const set, clear = "set 5h --yes --wait 0s", "clear --yes --wait 0s"
	for _, fault := range []simulator.Fault{
		{Kind: simulator.FaultResetAfterExecute},
		{Kind: simulator.FaultReset},
		{Kind: simulator.FaultStatus, Status: 403},
		{Kind: simulator.FaultStatus, Status: 409},
		{Kind: simulator.FaultStatus, Status: 500},
		{Kind: simulator.FaultTruncate, Bytes: 5},
	} {
		t.Run(fmt.Sprint(fault.Kind, fault.Status), func(t *testing.T) {
			b := newLifetimeBench(t)
			for _, tt := range []struct{ before, command, method string }{{clear, set, "POST"}, {set, clear, "DELETE"}} {
				for fault.Skip = range 2 { // the policy, then its assignment; or the other way round
					b.lifetime(tt.before).want(t, exitOK)
					fault.Method, fault.Count = tt.method, 1
					if err := b.FailGraph(fault); err != nil {
						t.Fatal(err)
					}
					s := b.lifetime(tt.command)
					b.ClearGraphFaults()
					made, assigned := len(b.GraphPolicies()), len(b.GraphAssigned())
					done := map[string]int{set: 1, clear: 0}[tt.command]
					if s.code == exitOK && (made != done || assigned != done) || tt.command == set && made != assigned || made > 1 {
						t.Errorf("%s, call %d: exit code %d, %d policies, %d assigned\n%s", tt.command, fault.Skip+1, s.code, made, assigned, s.stderr)
					}
					b.lifetime(tt.command).want(t, exitOK)
					if len(b.GraphPolicies()) != done || len(b.GraphAssigned()) != done {
						t.Errorf("%s, call %d: not mended by the next run", tt.command, fault.Skip+1)
					}
				}
			}
		})
	}
}

func TestLifetimeThrottled(t *testing.T) {
	b := newLifetimeBench(t)
	if err := b.FailGraph(simulator.Fault{Kind: simulator.FaultStatus, Status: 429, RetryAfter: time.Second, Method: "POST", Count: 1}); err != nil {
		t.Fatal(err)
	}
	b.lifetime("set 5h --yes").want(t, exitOK, "asks to be left alone for 1s", "lives for 5h0m0s")
	b.ClearGraphFaults()
	if err := b.FailGraph(simulator.Fault{Kind: simulator.FaultStatus, Status: 429, RetryAfter: 2 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	b.lifetime("clear --yes").want(t, exitFailed, "429", "run the command again in 2m0s")
}

// A policy that does not show in time is said to be set, and it is an error.
func TestLifetimeThatDoesNotShow(t *testing.T) {
	b := newLifetimeBench(t)
	b.foreign("", true) // counts before a principal's
	s := b.lifetime("set 5h --yes --wait 10ms")
	s.want(t, exitFailed, "the policy is set, but after 10ms", "organization's default policy", "To take it back")
	if strings.Count(strings.TrimSpace(s.stderr[strings.Index(s.stderr, "dvproxy:"):]), "\n") > 0 {
		t.Errorf("more than a line: %s", s.stderr)
	}
}
