package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"dvproxy/internal/simulator"
)

// A stage is what the pushes run against: an environment each, so that what one
// counts belongs to one push, and dvproxy in front of the second.
type stage struct {
	direct  *simulator.Server
	proxied *simulator.Server
	proxy   *proxy
	log     *logTail
	level   *slog.LevelVar // of what dvproxy logs of requests
}

const readyLimit = 10 * time.Second // for dvproxy to get its first token

// newStage starts everything; afterwards dvproxy holds a token.
func newStage(ctx context.Context, tokenLifetime time.Duration) (*stage, error) {
	s := &stage{log: &logTail{}, level: &slog.LevelVar{}}
	s.level.Set(slog.LevelWarn)
	if err := s.start(ctx, simulator.Options{TokenLifetime: tokenLifetime}); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) start(ctx context.Context, o simulator.Options) error {
	var err error
	if s.direct, err = simulator.Start(o); err != nil {
		return fmt.Errorf("start the simulator: %w", err)
	}
	if s.proxied, err = simulator.Start(o); err != nil {
		return fmt.Errorf("start the simulator: %w", err)
	}
	loggers := loggers{
		requests: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: s.level})),
		// A line for each renewal would soon fill a screen.
		renewals: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if s.proxy, err = startProxy(ctx, s.proxied, loggers); err != nil {
		return fmt.Errorf("start dvproxy: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit, errors.New("it took too long"))
	defer cancel()
	if _, err := s.proxy.cache.Token(ctx); err != nil {
		return fmt.Errorf("wait for dvproxy's first token: %w", err)
	}
	return nil
}

// close ends what was started.
func (s *stage) close() {
	if s.proxy != nil {
		s.proxy.close()
	}
	for _, tenant := range []*simulator.Server{s.proxied, s.direct} {
		if tenant != nil {
			tenant.Close()
		}
	}
}
