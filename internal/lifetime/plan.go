package lifetime

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Plan is what would be sent to Graph to bring about what is wanted.
type Plan struct {
	// Notes are sentences on what is left as it is, and why.
	Notes []string

	want  time.Duration // 0: no policy of ours
	graph string
	calls []call // an assign with an empty id is of the policy that was created before it
}

// newID stands for the id of a policy that is yet to be created.
const newID = "ID-OF-THE-NEW-POLICY"

// Empty tells whether nothing is to be done.
func (p Plan) Empty() bool { return len(p.calls) == 0 }

// Request is one request as it would be sent, but for the token.
type Request struct {
	Method, URL string
	Body        string // JSON; empty for none
}

// Requests are the plan's, in order.
func (p Plan) Requests() (requests []Request) {
	for _, c := range p.calls {
		r := Request{Method: c.method, URL: p.graph + version + c.path}
		if c.body != nil {
			text, err := json.Marshal(c.body)
			if err != nil {
				panic(err) // strings and a bool
			}
			r.Body = string(text)
		}
		requests = append(requests, r)
	}
	return requests
}

// A Refusal says why a plan would touch what is somebody else's.
type Refusal struct{ text string }

func (r *Refusal) Error() string { return r.text }

// PlanSet makes Dataverse's tokens live for want. Where a policy of ours stands
// half done it is taken up, and further ones are deleted. The error is a
// [*Refusal].
func (g *Graph) PlanSet(s State, want time.Duration) (Plan, error) {
	if p, ok := s.foreign(); ok {
		return Plan{}, &Refusal{fmt.Sprintf(
			"Dataverse's service principal has the policy %q (id %s), which dvproxy did not make, or somebody has edited since, so it is not changed, and a principal takes only one: have its owner change it, or unassign it by DELETE %s",
			p.DisplayName, p.ID, g.origin+version+unassign(p.ID).path)}
	}
	plan := Plan{want: want, graph: g.origin, Notes: notes(s)}
	idle := s.Idle()
	switch {
	case len(s.Assigned) > 0:
		p := s.Assigned[0]
		if p.Lifetime() == effective(want) {
			break
		}
		if uses := s.Uses[p.ID]; len(uses) > 0 {
			return Plan{}, &Refusal{fmt.Sprintf(
				"somebody has assigned dvproxy's policy (id %s) to %s too, whose tokens would change with it: unassign it there first", p.ID, names(uses))}
		}
		plan.calls = append(plan.calls, update(p.ID, want))
	case len(idle) > 0:
		if idle[0].Lifetime() != effective(want) {
			plan.calls = append(plan.calls, update(idle[0].ID, want))
		}
		plan.calls = append(plan.calls, assign(g.origin, idle[0].ID))
		idle = idle[1:]
	default:
		plan.calls = append(plan.calls, create(want), assign(g.origin, newID))
	}
	for _, p := range idle {
		plan.calls = append(plan.calls, remove(p.ID))
	}
	return plan, nil
}

// PlanClear takes back what dvproxy made, and nothing else.
func (g *Graph) PlanClear(s State) Plan {
	plan := Plan{graph: g.origin, Notes: notes(s)}
	if p, ok := s.foreign(); ok {
		plan.Notes = append(plan.Notes, fmt.Sprintf("the policy %q (id %s) on Dataverse's service principal is not dvproxy's and stays", p.DisplayName, p.ID))
	}
	for _, p := range s.Policies {
		switch uses := s.Uses[p.ID]; {
		case !p.Ours():
			continue
		case s.assigned(p.ID):
			plan.calls = append(plan.calls, unassign(p.ID))
			fallthrough
		default:
			if len(uses) > 0 {
				plan.Notes = append(plan.Notes, fmt.Sprintf("dvproxy's policy (id %s) is not deleted, since somebody has assigned it to %s too", p.ID, names(uses)))
				continue
			}
			plan.calls = append(plan.calls, remove(p.ID))
		}
	}
	return plan
}

// notes warn of policies that count before what is assigned, or look like
// dvproxy's and are not.
func notes(s State) (notes []string) {
	for _, p := range s.Policies {
		if p.OrganizationDefault {
			notes = append(notes, fmt.Sprintf("the organization's default policy %q (id %s, %s) is not dvproxy's and stays; by Microsoft's documentation it counts before a policy of the service principal",
				p.DisplayName, p.ID, Describe(p)))
		} else if p.Edited() {
			notes = append(notes, fmt.Sprintf("the policy with id %s has dvproxy's name, but somebody has edited it: it is left as it is", p.ID))
		}
	}
	return notes
}

// Describe is a policy's lifetime as text.
func Describe(p Policy) string {
	if d := p.Lifetime(); d > 0 {
		return Span(d)
	}
	return "no access token lifetime that dvproxy can read"
}

func names(uses []Principal) string {
	var all []string
	for _, u := range uses {
		all = append(all, u.String())
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// String is the name, the kind and the id of something that a policy applies
// to.
func (p Principal) String() string {
	kind := p.Type[strings.LastIndex(p.Type, ".")+1:]
	return strings.Join(slices.DeleteFunc([]string{quoted(p.DisplayName), kind, p.ID}, func(s string) bool { return s == "" }), " ")
}

func quoted(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf("%q", s)
}
