package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"dvproxy/internal/check"
	"dvproxy/internal/tokencache"
)

var errNoToken = errors.New("there is no token, so the command was not started")

// awaitToken waits until all environments hold a token. A code without an error
// is that of a signal which ended the wait.
func (r *wrapper) awaitToken(s *service) (code int, err error) {
	// The rest of the limit is for finding out what is wrong.
	const forCheck = 5 * time.Second
	limit, cancel := context.WithTimeoutCause(context.Background(), r.limit, errors.New("not within --max"))
	defer cancel()
	ctx, cancelWait := context.WithTimeout(limit, r.limit-min(forCheck, r.limit/3))
	defer cancelWait()
	interrupted := make(chan int, 1)
	defer r.signals.each(func(n syscall.Signal) {
		if isEnding(n) {
			select {
			case interrupted <- exitCodeOf(n):
			default:
			}
			cancel()
		}
	})()
	for _, e := range s.environments {
		if _, err := e.identity.cache.Token(ctx); err != nil {
			select {
			case code := <-interrupted:
				return code, nil
			default:
			}
			fmt.Fprintf(r.stderr, "%s  %s\n", e.config.Name, e.config.URL)
			r.explain(limit, e, s, err)
			return exitFailed, errNoToken
		}
	}
	return 0, nil
}

// explain says in the words of check why there is no token. What Entra has
// refused need not be tried again.
func (r *wrapper) explain(ctx context.Context, e *environment, s *service, err error) {
	var refused *tokencache.Error
	if errors.As(err, &refused) && refused.Permanent() {
		printStep(r.stderr, check.Step{Name: "sign-in", State: check.Failed, Detail: errors.Unwrap(refused).Error()})
		return
	}
	tried, problem := checkable(e.config, s.config.Warnings)
	if problem != nil {
		fmt.Fprintln(r.stderr, problem)
		return
	}
	ok := check.Run(ctx, tried, func(step check.Step) {
		if step.State == check.Failed {
			printStep(r.stderr, step)
		}
	})
	if ok {
		fmt.Fprintf(r.stderr, "  %v within %v, but a check has just succeeded: try again\n", err, r.limit)
	}
}
