package supervisor

import (
	"context"
	"time"
)

// Watch gives systemd a sign of life twice in each period of the unit's
// WatchdogSec, as long as alive returns no error within half of one; without, it
// kills the process and starts it again. Failed is told the first of the errors
// in a row. Watch returns when ctx ends; at once if no signs of life are wanted.
func (s *Systemd) Watch(ctx context.Context, alive func(context.Context) error, failed func(error)) {
	if s == nil || s.period == 0 {
		return
	}
	half := s.period / 2
	ticker := time.NewTicker(half)
	defer ticker.Stop()
	for wasWell := true; ; {
		err := s.signOfLife(ctx, half, alive)
		if ctx.Err() != nil {
			return
		}
		if err != nil && wasWell {
			failed(err)
		}
		wasWell = err == nil
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Systemd) signOfLife(ctx context.Context, limit time.Duration, alive func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := alive(ctx); err != nil {
		return err
	}
	return s.tell("WATCHDOG=1")
}
