package lifetime

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Watch says how to wait for tokens to change. The zero value of an interval
// means its default.
type Watch struct {
	Limit time.Duration // longest wait; 0 signs in once
	First time.Duration // between the first two sign-ins, doubling; default half a second
	Most  time.Duration // between two sign-ins; default 10 s

	// Progress is told of each token that is not yet as wanted. Nil tells nobody.
	Progress func(lifetime, waited time.Duration)
}

// ErrUnchanged says that tokens did not become as wanted within the limit.
var ErrUnchanged = errors.New("new tokens do not show it yet")

// Until signs in again and again until done says yes to the lifetime of a new
// token, which it returns. A sign-in that fails is tried again; past the limit
// the error is ErrUnchanged, with the latest sign-in's if that failed.
func Until(ctx context.Context, tokens Tokens, done func(time.Duration) bool, w Watch) (time.Duration, error) {
	setDefault(&w.First, 500*time.Millisecond)
	setDefault(&w.Most, 10*time.Second)
	start, pause := time.Now(), w.First
	for {
		_, lifetime, err := tokens(ctx)
		waited := time.Since(start)
		switch {
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err == nil && done(lifetime):
			return lifetime, nil
		case waited >= w.Limit && err != nil:
			return 0, fmt.Errorf("%w: %w", ErrUnchanged, err)
		case waited >= w.Limit:
			return lifetime, ErrUnchanged
		case err == nil && w.Progress != nil:
			w.Progress(lifetime, waited)
		}
		if err := sleep(ctx, min(pause, w.Limit-waited)); err != nil {
			return 0, err
		}
		pause = min(2*pause, w.Most)
	}
}

func setDefault(d *time.Duration, fallback time.Duration) {
	if *d == 0 {
		*d = fallback
	}
}
