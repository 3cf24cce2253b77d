package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"

	"dvproxy/internal/admin"
	"dvproxy/internal/credential"
	"dvproxy/internal/forward"
	"dvproxy/internal/guard"
	"dvproxy/internal/odata"
	"dvproxy/internal/simulator"
	"dvproxy/internal/tokencache"
)

// A proxy is dvproxy in front of one environment, of the parts that
// "dvproxy serve" is made of.
type proxy struct {
	origin  string // that clients use
	admin   string // origin of the admin listener
	cache   *tokencache.Cache
	servers []*http.Server
	log     loggers

	stopRenewing context.CancelFunc
	running      sync.WaitGroup
}

// loggers get what dvproxy logs.
type loggers struct{ requests, renewals *slog.Logger }

const environmentName = "demo"

// startProxy signs in as the tenant's application, and serves.
func startProxy(ctx context.Context, tenant *simulator.Server, log loggers) (*proxy, error) {
	upstream, err := url.Parse(tenant.DataverseURL)
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx)
	if err != nil {
		return nil, err
	}
	p := &proxy{log: log, origin: "http://" + listener.Addr().String()}
	links, err := odata.New(odata.Origins{Remote: []string{tenant.DataverseURL}, Local: []string{p.origin}})
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	metrics := admin.NewMetrics(environmentName, runtime.Version())
	counts := metrics.Environment(environmentName)
	counts.Show(&admin.Values{Token: p.token, Links: links.Mapped})

	source := credential.NewClientSecret(tokenEndpoint(tenant), tenant.ClientID(), scope(tenant),
		func() (string, error) { return tenant.ClientSecret(), nil }, credential.ClientSecretOptions{})
	p.cache = tokencache.New(source, tokencache.Options{
		Changed:   source.Changed,
		OnRenewal: func(r tokencache.Renewal) { counts.Renewal(r.Took, r.Err) },
		Logger:    log.renewals,
	})
	forwarder := forward.New(upstream, p.cache, forward.NewTransport(10*time.Second, time.Minute), forward.Options{
		Links:    links,
		Observer: counts,
		Logger:   log.requests,
	})
	p.serve(listener, forwarder, guard.Options{OnRefusal: refuse})
	pages := admin.New(admin.Options{Metrics: metrics, Version: environmentName, Started: time.Now(), Environments: []admin.Environment{
		{Name: environmentName, URL: tenant.DataverseURL, Listen: p.origin, Token: p.token},
	}})
	if listener, err = listen(ctx); err != nil {
		p.close()
		return nil, err
	}
	p.admin = "http://" + listener.Addr().String()
	p.serve(listener, pages, guard.Options{SameOrigin: true, OnRefusal: refuse})
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stopRenewing = stop
	p.running.Go(func() { p.cache.Run(renewing) })
	return p, nil
}

// listen opens a free port.
func listen(ctx context.Context) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// serve serves behind a guard.
func (p *proxy) serve(l net.Listener, h http.Handler, o guard.Options) {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	server := &http.Server{
		Handler:                      guard.New(h, guard.Hosts(host, port, false, nil), o),
		ReadHeaderTimeout:            time.Minute,
		ConnContext:                  forward.ConnContext,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(p.log.requests.Handler(), slog.LevelDebug),
	}
	p.servers = append(p.servers, server)
	p.running.Go(func() { _ = server.Serve(l) }) // ends with close; a request would tell of anything else
}

// close lets what is in flight finish, for a second.
func (p *proxy) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, server := range p.servers {
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	}
	if p.stopRenewing != nil {
		p.stopRenewing()
	}
	p.running.Wait()
}

// token is the state of the token, as the admin listener shows it.
func (p *proxy) token() admin.Token {
	s := p.cache.Status()
	t := admin.Token{Live: s.Live, Expires: s.Expires, Runway: s.Runway, Renews: s.Renews, Renewals: s.Renewals, Failures: s.Failures}
	if s.LastError != nil {
		t.LastError = s.LastError.Error()
	}
	return t
}

// refuse answers what a guard does not let pass.
func refuse(w http.ResponseWriter, r *http.Request, refusal guard.Refusal) {
	forward.Problem{Status: refusal.Status, Code: refusal.Code, Message: refusal.Message, Error: "http_request_denied"}.Write(w, r)
}
