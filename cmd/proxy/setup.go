package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"dvproxy/internal/admin"
	"dvproxy/internal/config"
	"dvproxy/internal/guard"
	"dvproxy/internal/tokencache"
)

// A setup is what one configuration makes.
type setup struct {
	config       *config.Config
	environments []*environment
	admin        *server // nil if there is none
	adminStage   *stage
}

func (s *setup) servers() []*server {
	var all []*server
	for _, e := range s.environments {
		all = append(all, e.server)
	}
	if s.admin != nil {
		all = append(all, s.admin)
	}
	return all
}

// named is the environment of a name; nil if there is none.
func (s *setup) named(name string) *environment {
	for _, e := range s.environments {
		if e.config.Name == name {
			return e
		}
	}
	return nil
}

// make wires what a configuration says, and opens the listeners that there are
// not yet. Nothing of the present setup is changed, and nothing served yet.
func (s *service) make(ctx context.Context, c *config.Config) (_ *setup, err error) {
	for _, w := range c.Warnings {
		s.log.Warn("configuration", slog.String("setting", w.Setting), slog.String("message", w.String()))
	}
	next := &setup{config: c}
	defer func() {
		if err != nil {
			s.abandon(next)
		}
	}()
	ca, err := openCA(c, s.log.Logger)
	if err != nil {
		return nil, err
	}
	keys := keysOf(c)
	for i, ec := range c.Environments {
		e := &environment{config: ec, log: s.log.With(slog.String("environment", ec.Name))}
		if err := s.openEnvironment(ctx, e, ca); err != nil {
			return nil, err
		}
		next.environments = append(next.environments, e)
		if err := s.makeEnvironment(e, keys[i]); err != nil {
			return nil, err
		}
	}
	if c.Admin.Off() {
		return next, nil
	}
	return next, s.makeAdmin(ctx, next)
}

// abandon undoes what was made of a setup that is not going to be served: a Unix
// socket must not stay behind.
func (s *service) abandon(next *setup) {
	present := s.servers()
	for _, server := range next.servers() {
		if !slices.Contains(present, server) {
			server.endpoint.Close()
		}
	}
	for _, e := range next.environments {
		if e.identity != nil {
			s.identities.release(e.identity)
		}
	}
}

func (s *service) makeAdmin(ctx context.Context, next *setup) (err error) {
	next.admin, err = s.open(ctx, place{address: next.config.Admin.Listen}, nil, s.log.Logger)
	if err != nil {
		return fmt.Errorf("admin listener: %w", err)
	}
	o := admin.Options{Metrics: s.metrics, Version: version(), Started: s.started, Draining: s.leave.isTold}
	if next.config.Admin.Quit {
		o.Quit = func() { s.leave.tell(errQuit) }
	}
	for _, e := range next.environments {
		o.Environments = append(o.Environments, admin.Environment{Name: e.config.Name, URL: e.config.URL, Listen: e.address(), Token: e.token})
	}
	endpoint := next.admin.endpoint
	next.adminStage = &stage{handler: guard.New(admin.New(o), guard.Hosts(endpoint.Host, endpoint.Port, false, nil), guard.Options{
		SameOrigin: true,
		AnyHost:    admin.IsProbe,
		OnRefusal:  refuse(func(string) {}, s.log.Logger),
	})}
	return nil
}

// begin serves what the present setup made in place of what another did, which
// finishes what it has in flight.
func (s *service) begin(before *setup) {
	s.log.setLevel(s.config.Log)
	s.leave.activity.set(s.config.Drain.ExitAfterIdle)
	users := map[*identity][]func(tokencache.Renewal){}
	for _, e := range s.environments {
		users[e.identity] = append(users[e.identity], e.renewed)
	}
	for id, told := range users {
		s.identities.start(id, told)
	}
	for _, e := range s.environments {
		e.begin()
	}
	if s.admin != nil {
		s.admin.stage.Store(s.adminStage)
	}
	old := before.servers()
	for _, server := range s.servers() {
		if !slices.Contains(old, server) {
			s.serve(server)
		}
	}
	s.announce(before)
	s.retire(before)
}

// announce tells where what was not there before is now to be had, and which
// listeners have become open to all.
func (s *service) announce(before *setup) {
	for _, e := range s.environments {
		was := before.named(e.config.Name)
		moved := was == nil || was.server != e.server
		if moved {
			e.announce()
		}
		if !s.own && isOpen(e.config) && (moved || !isOpen(was.config)) {
			e.warnOpen()
		}
	}
	if s.admin != nil && s.admin != before.admin {
		s.log.Info("admin listening", slog.String("origin", s.admin.endpoint.Origin()))
	}
}
