package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"dvproxy/internal/admin"
	"dvproxy/internal/config"
	"dvproxy/internal/forward"
	"dvproxy/internal/guard"
	"dvproxy/internal/listen"
	"dvproxy/internal/supervisor"
	"dvproxy/internal/tokencache"
)

// bodyBudget is the memory for kept request bodies of the whole process.
const bodyBudget = 16 << 20

func newServe() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the proxy",
		Long: `serve listens at once and keeps trying to sign in, so it may be started before the
network is there; http://localhost:7081/readyz answers 200 as soon as it holds a token.
On SIGTERM or SIGINT it serves on for drain.delay, stops accepting, answers what it
holds back with 503, lets what is in flight finish (up to drain.timeout) and exits 0.
A second such signal ends it at once, with 1.

  DATAVERSE_URL=https://contoso.crm.dynamics.com AZURE_TENANT_ID=... \
  AZURE_CLIENT_ID=... AZURE_CLIENT_SECRET_FILE=/run/secrets/dataverse dvproxy serve
  dvproxy serve --config dvproxy.yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			orders, release := ordersBySignal(cmd.Context())
			defer release()
			c, err := load(cmd)
			if err != nil {
				return err
			}
			return serve(orders, c, cmd.ErrOrStderr())
		},
	}
}

// A service is all that one process runs.
type service struct {
	config       *config.Config
	log          *slog.Logger
	environments []*environment
	admin        *server // nil if there is none
	adminOrigin  string
	leave        *departure
	systemd      *supervisor.Systemd // that has started the process; nil if none has
	own          bool                // it serves one command of its own
}

// serve runs as it is told.
func serve(o orders, c *config.Config, stderr io.Writer) error {
	log, closeLog, err := openLog(stderr, c.Log)
	if err != nil {
		return err
	}
	defer closeLog()
	s, err := newService(o.told, c, log)
	if err != nil {
		return err
	}
	return s.run(o.told, o.atOnce)
}

// newService wires everything and opens the listeners, but serves nothing yet.
func newService(ctx context.Context, c *config.Config, log *slog.Logger) (*service, error) {
	s := &service{config: c, log: log, leave: newDeparture(c.Drain.ExitAfterIdle), systemd: findSystemd(log)}
	for _, w := range c.Warnings {
		log.Warn("configuration", slog.String("setting", w.Setting), slog.String("message", w.String()))
	}
	err := s.open(ctx)
	if err != nil {
		s.abandon()
		return nil, err
	}
	return s, nil
}

// open opens the listeners and wires what they serve.
func (s *service) open(ctx context.Context) error {
	metrics := admin.NewMetrics(version(), runtime.Version())
	budget := forward.NewBudget(bodyBudget)
	ids := newIdentities(s.config)
	ca, err := openCA(s.config, s.log)
	if err != nil {
		return err
	}
	for _, ec := range s.config.Environments {
		log := s.log.With(slog.String("environment", ec.Name))
		endpoint, err := openEndpoint(ctx, ec, ca, log)
		if err != nil {
			return err
		}
		e, err := newEnvironment(ec, endpoint, ids, metrics, budget, s.leave, log)
		if err != nil {
			endpoint.Close()
			return err
		}
		s.environments = append(s.environments, e)
	}
	if s.config.Admin.Off() {
		return nil
	}
	return s.openAdmin(ctx, metrics)
}

// abandon closes what was opened, since nothing is going to be served: a Unix
// socket must not stay behind.
func (s *service) abandon() {
	for _, server := range s.servers() {
		server.endpoint.Close()
	}
}

func (s *service) openAdmin(ctx context.Context, metrics *admin.Metrics) error {
	endpoint, err := listen.Open(ctx, s.config.Admin.Listen, listen.Options{})
	if err != nil {
		return fmt.Errorf("admin listener: %w", err)
	}
	s.adminOrigin = endpoint.Origin()
	o := admin.Options{Metrics: metrics, Version: version(), Started: time.Now(), Draining: s.leave.isTold}
	if s.config.Admin.Quit {
		o.Quit = func() { s.leave.tell(errQuit) }
	}
	for _, e := range s.environments {
		o.Environments = append(o.Environments, admin.Environment{
			Name: e.config.Name, URL: e.config.URL, Listen: e.address(),
			Token: func() admin.Token { return tokenState(e.cache.Status()) },
		})
	}
	handler := guard.New(admin.New(o), guard.Hosts(endpoint.Host, endpoint.Port, false, nil), guard.Options{
		SameOrigin: true,
		AnyHost:    admin.IsProbe,
		OnRefusal:  refuse(func(string) {}, s.log),
	})
	s.admin = newServer(handler, endpoint, s.log)
	return nil
}

// run serves until ctx ends, or it is told otherwise, or a listener fails; and
// then drains, until atOnce ends.
func (s *service) run(ctx, atOnce context.Context) error {
	renewing, stopRenewing := context.WithCancel(context.Background())
	var caches sync.WaitGroup
	running := map[*tokencache.Cache]bool{}
	for _, e := range s.environments {
		if !running[e.cache] { // environments may share one
			running[e.cache] = true
			caches.Go(func() { e.cache.Run(renewing) })
		}
		e.announce(s.own)
	}
	if s.admin != nil {
		s.log.Info("admin listening", slog.String("origin", s.adminOrigin))
	}
	servers := s.servers()
	failed := make(chan error, len(servers))
	for _, server := range servers {
		go func() { failed <- server.serve() }()
	}
	reported := s.report()
	err := s.untilTold(ctx, atOnce, failed)
	err = errors.Join(err, s.drain(atOnce))
	stopRenewing()
	caches.Wait()
	reported()
	s.log.Info("stopped")
	return err
}

func (s *service) servers() []*server {
	var all []*server
	for _, e := range s.environments {
		all = append(all, e.server)
	}
	if s.admin != nil {
		all = append(all, s.admin)
	}
	return all
}
