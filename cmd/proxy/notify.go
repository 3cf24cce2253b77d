package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dvproxy/internal/listen"
	"dvproxy/internal/supervisor"
)

// A reporter tells systemd how a service is, if systemd has started the process and
// wants to hear.
type reporter struct {
	systemd *supervisor.Systemd // nil for none
	leave   *departure
	log     *slog.Logger
	now     atomic.Pointer[setup] // what is served
	refused atomic.Bool           // the configuration, when it was read the last time
}

func newReporter(leave *departure, log *slog.Logger) *reporter {
	systemd, err := supervisor.FromEnvironment()
	if err != nil {
		log.Warn("systemd does not hear all from dvproxy", slog.Any("error", err))
	}
	return &reporter{systemd: systemd, leave: leave, log: log}
}

// begin tells systemd how the service is, until that is told to stop. It is ready
// at once, and does not wait for a token: what comes after it when the machine
// starts should not wait for Entra. One that serves a command is ready when that
// runs. Done returns after the last word.
func (r *reporter) begin(own bool) (done func()) {
	if r.systemd == nil {
		return func() {}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		r.systemd.Watch(r.leave.told, func(ctx context.Context) error { return r.now.Load().alive(ctx) }, func(err error) {
			r.log.Error("systemd was given no sign of life; it restarts dvproxy if none follows", slog.Any("error", err))
		})
	})
	wg.Go(func() {
		if !own {
			r.ready()
		}
		r.follow()
	})
	return wg.Wait
}

// follow tells what changes.
func (r *reporter) follow() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for last := ""; ; {
		select {
		case <-ticker.C:
			if text := r.text(); text != last {
				r.untold(r.systemd.Status(text))
				last = text
			}
		case <-r.leave.told.Done():
			const rest = 5 * time.Second // for what comes after the drain
			drain := r.now.Load().config.Drain
			delay, why := r.leave.reason(drain.Delay)
			r.untold(r.systemd.Stopping(fmt.Sprintf("draining: %v", why), delay+drain.Timeout+rest))
			return
		}
	}
}

func (r *reporter) ready() { r.untold(r.systemd.Ready(r.text())) }

func (r *reporter) reloading() { r.untold(r.systemd.Reloading("reading the configuration")) }

// reloaded ends reloading. That the setup is the one before means that the
// configuration was refused.
func (r *reporter) reloaded(now *setup) {
	r.refused.Store(r.now.Swap(now) == now)
	r.ready()
}

// text is the status in one line.
func (r *reporter) text() string {
	text := r.now.Load().text()
	if r.refused.Load() {
		text = "the configuration was not reloaded, see the log; " + text
	}
	return text
}

// untold notes what could not be told.
func (r *reporter) untold(err error) {
	if err != nil {
		r.log.Warn("systemd was not told", slog.Any("error", err))
	}
}

// alive asks a setup over one of its own listeners, as others do. A token is not
// asked for: a restart does not mend Entra. Without an admin listener it has to
// be an environment's, by a request that net/http answers itself, since all
// others are Dataverse's.
func (s *setup) alive(ctx context.Context) error {
	const noHost = "GET / HTTP/1.1\r\n\r\n"
	if s.admin == nil {
		_, err := ask(ctx, s.environments[0].server.endpoint, noHost)
		return err
	}
	host := strings.TrimPrefix(s.admin.endpoint.Origin(), "http://")
	status, err := ask(ctx, s.admin.endpoint, "GET /livez HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("/livez answers with status %d", status)
	}
	return err
}

// ask sends a request as it stands and returns the answer's status.
func ask(ctx context.Context, endpoint *listen.Endpoint, request string) (status int, err error) {
	address := endpoint.Listeners[0].Addr()
	conn, err := (&net.Dialer{}).DialContext(ctx, address.Network(), address.String())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, errors.Join(context.Cause(ctx), err)
	}
	return resp.StatusCode, resp.Body.Close()
}
