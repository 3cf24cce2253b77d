package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"dvproxy/internal/config"
)

// reload reads the configuration again and serves what it says, unless there is a
// mistake in it: then nothing changes.
func (s *service) reload(ctx context.Context) {
	next, err := s.remake(ctx)
	s.metrics.Reloaded(err == nil)
	var mistakes config.Problems
	switch {
	case errors.As(err, &mistakes):
		for _, m := range mistakes {
			s.log.Error("configuration", slog.String("setting", m.Setting), slog.String("message", m.String()))
		}
		s.log.Error("the configuration was not reloaded; the one before stays", slog.Int("mistakes", len(mistakes)))
		return
	case err != nil:
		s.log.Error("the configuration was not reloaded; the one before stays", slog.Any("error", err))
		return
	}
	if next.config.Log.Format != s.config.Log.Format {
		s.log.Warn("log.format changes at the next start")
	}
	if next.config.Log.File != s.config.Log.File {
		s.log.Warn("log.file changes at the next start")
	}
	before := s.setup
	s.setup = next
	s.begin(before)
	s.log.Info("configuration reloaded", slog.Int("environments", len(s.environments)))
}

// remake makes what the configuration says now. It gives up once ctx ends: a file
// may be on a share that does not answer.
func (s *service) remake(ctx context.Context) (*setup, error) {
	type result struct {
		next *setup
		err  error
	}
	made := make(chan result)
	go func() {
		next, err := s.makeAgain(ctx)
		select {
		case made <- result{next, err}:
		case <-ctx.Done():
			if err == nil {
				s.abandon(next)
			}
		}
	}()
	select {
	case r := <-made:
		return r.next, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (s *service) makeAgain(ctx context.Context) (*setup, error) {
	c, err := s.read()
	if err != nil {
		return nil, err
	}
	for _, server := range s.leaving { // what was closed a moment ago may be opened again
		<-server.closed
	}
	return s.make(ctx, c)
}

// retire lets what another setup has taken the place of finish. Listeners that
// are no more are drained, and what belongs to an environment ends with its last
// request.
func (s *service) retire(before *setup) {
	now := s.servers()
	gone := func(server *server) bool { return server != nil && !slices.Contains(now, server) }
	s.leaving = slices.DeleteFunc(before.servers(), func(server *server) bool { return !gone(server) })
	for _, e := range before.environments {
		s.past.finish(func(cut context.Context) {
			if gone(e.server) {
				e.drain(cut)
			}
			e.end()
			s.identities.release(e.identity)
		})
	}
	if gone(before.admin) {
		s.past.finish(func(cut context.Context) { _ = before.admin.drain(cut) })
	}
}
