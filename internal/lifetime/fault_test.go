package lifetime

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// faults are ways for one call to go wrong.
var faults = map[string]func(f *fakeGraph, hit func() bool){
	"refused": func(f *fakeGraph, hit func() bool) {
		f.before = func(_ string, w http.ResponseWriter) bool {
			strikes := hit()
			if strikes {
				refuse(w, http.StatusForbidden, "Authorization_RequestDenied")
			}
			return strikes
		}
	},
	"broken": func(f *fakeGraph, hit func() bool) {
		f.before = func(_ string, w http.ResponseWriter) bool {
			strikes := hit()
			if strikes {
				refuse(w, http.StatusInternalServerError, "InternalServerError")
			}
			return strikes
		}
	},
	"answer lost": func(f *fakeGraph, hit func() bool) {
		f.after = func(string) bool { return hit() }
	},
}

// Whatever goes wrong with whichever call, and for how many calls after it: what
// stands afterwards is all of it or nothing that has an effect, the error says
// what stands, and the next run gets there.
func TestNothingIsLeftHalfDone(t *testing.T) {
	starts := map[string][]use{
		"nothing":          nil,
		"half done":        {{ours("A", 2*time.Hour), ""}},
		"half done twice":  {{ours("A", 5*time.Hour), ""}, {ours("B", 5*time.Hour), ""}},
		"another lifetime": {{ours("A", 2*time.Hour), "dataverse"}},
		"set":              {{ours("A", 5*time.Hour), "dataverse"}},
	}
	for fault, inject := range faults {
		for start, in := range starts {
			for _, want := range []time.Duration{5 * time.Hour, 0} {
				for at := 1; at <= 12; at++ {
					for _, count := range []int{1, 1000} {
						name := fmt.Sprintf("%s, %s, want %v, call %d of %d", fault, start, want, at, count)
						f := tenantOf(in)
						met := 0
						inject(f, func() bool { met++; return met >= at && met < at+count })
						err := f.run(t, want)
						f.standsWhole(t, name, want, err)
						f.before, f.after = nil, nil
						if err := f.run(t, want); err != nil {
							t.Errorf("%s: the next run: %v", name, err)
						}
						f.standsWhole(t, name+", the next run", want, nil)
						if want > 0 && len(f.policies) != 1 || want == 0 && len(f.policies) != 0 {
							t.Errorf("%s: in the end there are %v", name, f.policies)
						}
					}
				}
			}
		}
	}
}

// standsWhole checks what stands after a run that ended with err.
func (f *fakeGraph) standsWhole(t *testing.T, name string, want time.Duration, err error) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	assigned := f.assigned()
	if err == nil {
		right := len(assigned) == 0 && want == 0 || len(assigned) == 1 && assigned[0].Lifetime() == want
		if !right {
			t.Errorf("%s: success, but %v is assigned", name, assigned)
		}
		return
	}
	text := err.Error()
	if strings.Contains(text, canary) {
		t.Errorf("%s: the token shows", name)
	}
	if strings.Contains(text, "no policy is assigned") && (len(assigned) > 0 || len(f.policies) > 0) {
		t.Errorf("%s: %q, but there are %v", name, text, f.policies)
	}
}

// A policy that could not be assigned is deleted in the same run.
func TestRolledBackAtOnce(t *testing.T) {
	f := newFakeGraph()
	f.before = func(call string, w http.ResponseWriter) bool {
		strikes := strings.HasPrefix(call, "POST "+assignedPath)
		if strikes {
			refuse(w, http.StatusForbidden, "Authorization_RequestDenied")
		}
		return strikes
	}
	err := f.run(t, 5*time.Hour)
	if err == nil || !strings.Contains(err.Error(), "nothing is changed") || !strings.Contains(err.Error(), "Application.ReadWrite.All") || len(f.policies) > 0 {
		t.Errorf("%v; policies %v", err, f.policies)
	}
}

// An interrupted run is rolled back all the same.
func TestInterruptedBetweenCreateAndAssign(t *testing.T) {
	f := newFakeGraph()
	g := f.graph()
	s, err := g.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plan, err := g.PlanSet(s, 5*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	f.after = func(call string) bool {
		if call == "POST "+policiesPath {
			interrupt()
		}
		return false
	}
	if err := g.Apply(ctx, plan); err == nil {
		t.Error("no error")
	}
	if len(f.policies) > 0 {
		t.Errorf("left: %v", f.policies)
	}
}

// The copies of the directory take a while to know of a new policy.
func TestDirectoryLags(t *testing.T) {
	f := newFakeGraph()
	refusals := 0
	f.before = func(call string, w http.ResponseWriter) bool {
		lags := strings.HasPrefix(call, "POST "+assignedPath) && refusals < 2
		if lags {
			refusals++
			refuse(w, http.StatusNotFound, "Request_ResourceNotFound")
		}
		return lags
	}
	if err := f.run(t, 5*time.Hour); err != nil || len(f.assigned()) != 1 {
		t.Errorf("%v; assigned %v", err, f.assigned())
	}
}
