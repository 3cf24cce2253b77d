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
	c, err := s.read()
	var next *setup
	if err == nil {
		next, err = s.make(ctx, c)
	}
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
	if c.Log.Format != s.config.Log.Format {
		s.log.Warn("log.format changes at the next start")
	}
	if c.Log.File != s.config.Log.File {
		s.log.Warn("log.file changes at the next start")
	}
	before := s.setup
	s.setup = next
	s.begin(before)
	s.log.Info("configuration reloaded", slog.Int("environments", len(s.environments)))
}

// retire lets what another setup has taken the place of finish. Listeners that
// are no more are drained, and what belongs to an environment ends with its last
// request.
func (s *service) retire(before *setup) {
	now := s.servers()
	gone := func(server *server) bool { return server != nil && !slices.Contains(now, server) }
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
