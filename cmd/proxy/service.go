package main

import (
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"dvproxy/internal/admin"
	"dvproxy/internal/config"
	"dvproxy/internal/forward"
)

// A service is all that one process runs: what its present configuration makes,
// and what outlives that.
type service struct {
	*setup
	read func() (*config.Config, error) // the configuration again; nil if it stays as it is
	own  bool                           // it serves one command of its own

	log        logger
	metrics    *admin.Metrics
	budget     *forward.Budget
	identities identities
	leave      *departure
	reporter   *reporter
	started    time.Time
	past       past
	leaving    []*server  // that the last reload has told to close
	failed     chan error // of a listener; has room for one
}

// newService wires everything and opens the listeners, but serves nothing yet.
func newService(ctx context.Context, c *config.Config, log logger) (*service, error) {
	s := &service{
		setup:   &setup{config: c},
		log:     log,
		metrics: admin.NewMetrics(version(), runtime.Version()),
		budget:  forward.NewBudget(fitMemory(os.DirFS("/"))),
		leave:   newDeparture(),
		started: time.Now(),
		past:    newPast(),
		failed:  make(chan error, 1),
	}
	s.reporter = newReporter(s.leave, log.Logger)
	s.identities.byKey = map[identityKey]*identity{}
	next, err := s.make(ctx, c)
	if err != nil {
		return nil, err
	}
	s.setup = next
	s.reporter.now.Store(next)
	return s, nil
}

// run serves until it is told to end, or a listener fails; and then drains.
func (s *service) run(o orders) error {
	s.begin(&setup{})
	reported := s.reporter.begin(s.own)
	err := s.untilTold(o)
	err = errors.Join(err, s.drain(o.atOnce))
	s.identities.stop()
	reported()
	s.log.Info("stopped")
	return err
}

// serve has a server serve until it drains.
func (s *service) serve(server *server) {
	go func() {
		if err := server.serve(); err != nil {
			select {
			case s.failed <- err:
			default: // one is enough to end
			}
		}
	}()
}
