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
	"time"

	"dvproxy/internal/supervisor"
)

// findSystemd returns the systemd that has started the process, if one has and
// wants to hear from it.
func findSystemd(log *slog.Logger) *supervisor.Systemd {
	manager, err := supervisor.FromEnvironment()
	if err != nil {
		log.Warn("systemd does not hear all from dvproxy", slog.Any("error", err))
	}
	return manager
}

// report tells systemd how the service is, until it is told to stop. Done
// returns after the last word.
func (s *service) report() (done func()) {
	if s.systemd == nil {
		return func() {}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		s.systemd.Watch(s.leave.told, s.alive, func(err error) {
			s.log.Error("no sign of life to systemd, which is going to restart dvproxy", slog.Any("error", err))
		})
	})
	wg.Go(func() {
		var last string
		if !s.own { // else it is so once the command runs
			last = s.ready()
		}
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if text := s.statusText(); text != last {
					s.untold(s.systemd.Status(text))
					last = text
				}
			case <-s.leave.told.Done():
				s.stopping()
				return
			}
		}
	})
	return wg.Wait
}

// ready tells systemd that the service is there, which does not wait for a
// token: what comes after it in the boot should not wait for Entra. It returns
// the status that it gave.
func (s *service) ready() string {
	text := s.statusText()
	s.untold(s.systemd.Ready(text))
	return text
}

// stopping tells systemd to be patient for as long as the settings say.
func (s *service) stopping() {
	const rest = 5 * time.Second // for what comes after the drain
	delay, why := s.leave.reason(s.config.Drain.Delay)
	s.untold(s.systemd.Stopping(fmt.Sprintf("draining: %v", why), delay+s.config.Drain.Timeout+rest))
}

// untold notes what could not be told.
func (s *service) untold(err error) {
	if err != nil {
		s.log.Warn("systemd was not told", slog.Any("error", err))
	}
}

// alive asks the service over one of its own listeners, as others do. A token is
// not asked for: a restart does not mend Entra. Without an admin listener it has
// to be an environment's, by a request that net/http answers itself, since all
// others are Dataverse's.
func (s *service) alive(ctx context.Context) error {
	const noHost = "GET / HTTP/1.1\r\n\r\n"
	if s.admin == nil {
		_, err := ask(ctx, s.environments[0].server.endpoint.Listeners[0].Addr(), noHost)
		return err
	}
	status, err := ask(ctx, s.admin.endpoint.Listeners[0].Addr(), "GET /livez HTTP/1.1\r\nHost: "+strings.TrimPrefix(s.adminOrigin, "http://")+"\r\nConnection: close\r\n\r\n")
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("/livez answers with status %d", status)
	}
	return err
}

// ask sends a request as it stands and returns the answer's status.
func ask(ctx context.Context, address net.Addr, request string) (status int, err error) {
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
