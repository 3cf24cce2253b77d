package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// A departure is how a service comes to its end: it is told to stop, serves on
// for a while if it should, and then holds no request back any longer.
type departure struct {
	told     context.Context // done once it is to stop; its cause says why
	tell     context.CancelCauseFunc
	draining context.Context // done once it drains
	drain    context.CancelFunc
	activity *activity
}

var (
	errQuit = errors.New("asked by dvproxy quit")
	errIdle = errors.New("idle for drain.exit_after_idle")
)

func newDeparture() *departure {
	d := &departure{}
	d.told, d.tell = context.WithCancelCause(context.Background())
	d.draining, d.drain = context.WithCancel(context.Background())
	d.activity = newActivity(func() { d.tell(errIdle) })
	return d
}

// isTold says whether it is on its way out.
func (d *departure) isTold() bool { return d.told.Err() != nil }

// reason is why it is on its way out, and for how long it serves on, which is
// delay if somebody may be there to be waited for.
func (d *departure) reason(delay time.Duration) (time.Duration, error) {
	why := context.Cause(d.told)
	if errors.Is(why, errIdle) {
		delay = 0
	}
	return delay, why
}

// untilTold waits until the service is told to stop, by o or otherwise, and then
// for drain.delay. The error is that of a listener that failed meanwhile.
func (s *service) untilTold(o orders) error {
	defer context.AfterFunc(o.told, func() { s.leave.tell(context.Cause(o.told)) })()
	for s.leave.told.Err() == nil {
		select {
		case <-s.leave.told.Done():
		case <-o.reload:
			s.reporter.reloading()
			s.reload(s.leave.told)
			s.reporter.reloaded(s.setup)
		case err := <-s.failed:
			s.leave.tell(err)
			return err
		}
	}
	delay, why := s.leave.reason(s.config.Drain.Delay)
	s.log.Info("draining", slog.Any("reason", why), slog.Duration("delay", delay), slog.Duration("timeout", s.config.Drain.Timeout))
	select {
	case <-time.After(delay):
	case <-o.atOnce.Done():
	case err := <-s.failed:
		return err
	}
	return nil
}

// drain lets go of requests that are held and lets what is in flight finish, in
// all environments at once. The admin listener stays until then, so that one
// can watch.
func (s *service) drain(atOnce context.Context) error {
	s.leave.drain()
	ctx, cancel := context.WithTimeoutCause(atOnce, s.config.Drain.Timeout, errors.New("drain.timeout"))
	defer cancel()
	var wg sync.WaitGroup
	for _, e := range s.environments {
		wg.Go(func() { e.drain(ctx) })
	}
	wg.Go(func() { s.past.end(ctx) })
	wg.Wait()
	if s.admin != nil {
		s.admin.leave(ctx)
	}
	if atOnce.Err() != nil {
		return context.Cause(atOnce)
	}
	return nil
}
