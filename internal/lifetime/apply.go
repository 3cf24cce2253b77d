package lifetime

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// recoveryLimit bounds the mending after a failure, which goes on although the
// caller has given up.
const recoveryLimit = 30 * time.Second

// Apply does what a plan says. If something fails, the tenant is read again: if
// what was wanted stands all the same, that is success; a policy that could not
// be assigned is deleted again. The error says what failed and what stands now.
func (g *Graph) Apply(ctx context.Context, plan Plan) error {
	var created Policy
	for _, c := range plan.calls {
		g.opts.Progress(c.what)
		if err := g.step(ctx, c, &created); err != nil {
			return g.mend(ctx, plan, created, err)
		}
	}
	return nil
}

// step makes one call of a plan.
func (g *Graph) step(ctx context.Context, c call, created *Policy) error {
	isNew := c.body == reference{g.origin + version + policyPath(newID)}
	switch {
	case c.method == http.MethodPost && c.path == policiesPath:
		if err := g.do(ctx, c, created); err != nil {
			return err
		}
		if created.ID == "" {
			return notGraph(g.origin, c, http.StatusCreated)
		}
		return nil
	case isNew:
		return g.assignNew(ctx, created.ID)
	}
	err := g.do(ctx, c, nil)
	var e *Error
	if c.method == http.MethodDelete && errors.As(err, &e) && e.Status == http.StatusNotFound {
		return nil // gone already
	}
	return err
}

// assignNew waits for the directory to know of a policy that was just created:
// its copies take a while to agree.
func (g *Graph) assignNew(ctx context.Context, id string) error {
	wait := g.opts.FirstWait
	for waited := time.Duration(0); ; wait *= 2 {
		err := g.do(ctx, assign(g.origin, id), nil)
		var e *Error
		if err == nil || !errors.As(err, &e) || e.Status != http.StatusNotFound {
			return err
		}
		if waited += wait; waited > g.opts.MaxWait {
			return err
		}
		g.opts.Progress("the directory does not know of the policy yet")
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// mend deals with a plan that failed half way.
func (g *Graph) mend(ctx context.Context, plan Plan, created Policy, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recoveryLimit)
	defer cancel()
	g.opts.Progress("that failed: looking at what stands now")
	s, err := g.Survey(ctx)
	if err != nil {
		return fmt.Errorf("%w; what stands now cannot be read (%w): run the same command again, which mends what is half done", cause, err)
	}
	if created.ID != "" && !slices.ContainsFunc(s.Policies, func(p Policy) bool { return p.ID == created.ID }) {
		s.Policies = append(s.Policies, created) // not in every copy of the directory yet
	}
	if plan.want == 0 {
		return g.clearedAfter(s, cause)
	}
	if again, err := g.PlanSet(s, plan.want); err == nil && again.Empty() {
		return nil // done, though the answer was lost
	}
	for _, p := range s.Idle() {
		if err := g.step(ctx, remove(p.ID), nil); err != nil {
			return fmt.Errorf("%w; the policy (id %s) is not assigned, so without effect, and could not be deleted (%w): run the same command again, or dvproxy lifetime clear", cause, p.ID, err)
		}
	}
	if len(s.Assigned) > 0 {
		return fmt.Errorf("%w; Dataverse's service principal has the policy %q, %s", cause, s.Assigned[0].DisplayName, Describe(s.Assigned[0]))
	}
	return fmt.Errorf("%w; nothing is changed, no policy is assigned", cause)
}

// clearedAfter says what a failed clear has left.
func (g *Graph) clearedAfter(s State, cause error) error {
	switch {
	case g.PlanClear(s).Empty():
		return nil
	case len(s.Idle()) > 0 && len(s.Assigned) == 0:
		return fmt.Errorf("%w; the policy is unassigned, so without effect, but not deleted: run the command again", cause)
	}
	return fmt.Errorf("%w; the policy is still assigned: run the command again", cause)
}
