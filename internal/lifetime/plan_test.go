package lifetime

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// use is a policy and what it is assigned to; d is Dataverse.
type use struct {
	policy Policy
	by     string // names, by spaces
}

func tenantOf(uses []use) *fakeGraph {
	f := newFakeGraph()
	for _, u := range uses {
		f.policies = append(f.policies, u.policy)
		f.uses[u.policy.ID] = strings.Fields(u.by)
	}
	return f
}

func TestPlans(t *testing.T) {
	const five = 5 * time.Hour
	ref := assignedPath + "/$ref"
	asDefault := theirs("D")
	asDefault.OrganizationDefault = true
	edited := theirs("E")
	edited.DisplayName = Mark
	tests := []struct {
		name    string
		in      []use
		set     string // writes, * for the new policy's id; a word in brackets is in the refusal
		clear   string
		afterIt string // policies left by set
	}{
		{"nothing", nil, "POST " + policiesPath + ", POST " + ref, "", "new"},
		{"set already", []use{{ours("A", five), "dataverse"}}, "", "DELETE " + assignedPath + "/A/$ref, DELETE " + policyPath("A"), "A"},
		{"another lifetime", []use{{ours("A", time.Hour), "dataverse"}}, "PATCH " + policyPath("A"), "DELETE " + assignedPath + "/A/$ref, DELETE " + policyPath("A"), "A"},
		{"half done", []use{{ours("A", five), ""}}, "POST " + ref, "DELETE " + policyPath("A"), "A"},
		{"half done with another lifetime", []use{{ours("A", time.Hour), ""}}, "PATCH " + policyPath("A") + ", POST " + ref, "DELETE " + policyPath("A"), "A"},
		{"half done twice", []use{{ours("A", five), ""}, {ours("B", five), ""}}, "POST " + ref + ", DELETE " + policyPath("B"), "DELETE " + policyPath("A") + ", DELETE " + policyPath("B"), "A"},
		{"one too many", []use{{ours("A", five), "dataverse"}, {ours("B", five), ""}}, "DELETE " + policyPath("B"), "DELETE " + assignedPath + "/A/$ref, DELETE " + policyPath("A") + ", DELETE " + policyPath("B"), "A"},
		{"a foreign one", []use{{theirs("C"), "dataverse"}}, `["Contoso" (id C)]`, "", "C"},
		{"a foreign one beside half-done work", []use{{theirs("C"), "dataverse"}, {ours("A", five), ""}}, "[Contoso]", "DELETE " + policyPath("A"), "C A"},
		{"a foreign one elsewhere", []use{{theirs("C"), "app"}}, "POST " + policiesPath + ", POST " + ref, "", "C new"},
		{"ours, edited since", []use{{edited, "dataverse"}}, "[edited]", "", "E"},
		{"ours, edited since, beside", []use{{edited, ""}}, "POST " + policiesPath + ", POST " + ref, "", "E new"},
		{"a default", []use{{asDefault, ""}}, "POST " + policiesPath + ", POST " + ref, "", "D new"},
		{"ours is used elsewhere too", []use{{ours("A", time.Hour), "dataverse app"}}, "[app]", "DELETE " + assignedPath + "/A/$ref", "A"},
		{"ours is used elsewhere only", []use{{ours("A", five), "app"}}, "POST " + policiesPath + ", POST " + ref, "", "A new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := tenantOf(tt.in)
			err := f.run(t, five)
			check(t, f, err, tt.set)
			var left []string
			for _, p := range f.policies {
				id, _, _ := strings.Cut(p.ID, "-")
				left = append(left, id)
			}
			if got := strings.Join(left, " "); got != tt.afterIt {
				t.Errorf("policies left: %s, want %s", got, tt.afterIt)
			}
			f.calls = nil
			if err == nil {
				if err := f.run(t, five); err != nil || len(f.writes()) > 0 {
					t.Errorf("the second run: %v, writes %v", err, f.writes())
				}
			}

			f = tenantOf(tt.in)
			check(t, f, f.run(t, 0), tt.clear)
			for _, u := range tt.in {
				if !u.policy.Ours() && !slices.ContainsFunc(f.policies, func(p Policy) bool { return cmp.Equal(p, u.policy) }) {
					t.Errorf("the policy %s is not as it was", u.policy.ID)
				}
			}
			f.calls = nil
			if err := f.run(t, 0); err != nil || len(f.writes()) > 0 {
				t.Errorf("the second clear: %v, writes %v", err, f.writes())
			}
		})
	}
}

func check(t *testing.T, f *fakeGraph, err error, want string) {
	t.Helper()
	if word, ok := strings.CutPrefix(want, "["); ok {
		var refusal *Refusal
		if !errors.As(err, &refusal) || !strings.Contains(err.Error(), strings.TrimSuffix(word, "]")) {
			t.Errorf("%v, want a refusal that names %s", err, word)
		}
		want = ""
	} else if err != nil {
		t.Error(err)
	}
	if got := strings.Join(f.writes(), ", "); got != want {
		t.Errorf("writes\n%s\nwant\n%s", got, want)
	}
}

// Without the right to write, what is assigned is found by what each policy
// applies to.
func TestSurveyReadsWithTheRightToReadAlone(t *testing.T) {
	f := tenantOf([]use{{theirs("C"), "app"}, {ours("A", time.Hour), "dataverse other"}, {theirs("E"), ""}})
	whole, err := f.graph().Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.before = func(call string, w http.ResponseWriter) bool {
		denied := call == "GET "+assignedPath
		if denied {
			refuse(w, http.StatusForbidden, "Authorization_RequestDenied")
		}
		return denied
	}
	s, err := f.graph().Survey(t.Context())
	if err != nil || !cmp.Equal(s.Assigned, whole.Assigned) || len(s.Assigned) != 1 || len(s.Uses["A"]) != 1 || s.Uses["A"][0].ID != "other" {
		t.Errorf("%+v, %v", s, err)
	}
	if strings.Contains(strings.Join(f.writes(), " "), " ") {
		t.Errorf("a survey writes: %v", f.writes())
	}
}

func TestRequestsShowNoToken(t *testing.T) {
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
	want := []Request{
		{"POST", "https://graph.microsoft.com/v1.0/policies/tokenLifetimePolicies", `{"definition":["{\"TokenLifetimePolicy\":{\"Version\":1,\"AccessTokenLifetime\":\"05:00:00\"}}"],"displayName":"dvproxy: access tokens for Dataverse","isOrganizationDefault":false}`},
		{"POST", "https://graph.microsoft.com/v1.0/servicePrincipals(appId='00000007-0000-0000-c000-000000000000')/tokenLifetimePolicies/$ref", `{"@odata.id":"https://graph.microsoft.com/v1.0/policies/tokenLifetimePolicies/ID-OF-THE-NEW-POLICY"}`},
	}
	if diff := cmp.Diff(want, plan.Requests()); diff != "" {
		t.Error(diff)
	}
}
