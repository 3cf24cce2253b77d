package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"dvproxy/internal/config"
)

// An adminClient speaks to the admin listener of a running dvproxy.
type adminClient struct {
	address string // host:port
	http    *http.Client
}

// newAdminClient is for the listener that the command's flags, the environment
// and the file name. They may be those of another container, which has no
// credential.
func newAdminClient(cmd *cobra.Command) (*adminClient, error) {
	a, err := config.LoadAdmin(config.Source{Args: givenFlags(cmd)})
	if err != nil {
		return nil, usageError{fmt.Errorf("the admin listener is not known:\n%w", err)}
	}
	client, err := adminAt(a)
	if err != nil {
		return nil, usageError{err}
	}
	return client, nil
}

// adminAt is for the admin listener that settings describe.
func adminAt(a config.Admin) (*adminClient, error) {
	if a.Off() {
		return nil, errors.New("the admin listener is off, so there is nobody to ask; see --admin")
	}
	host, port, err := net.SplitHostPort(a.Listen)
	if err != nil {
		return nil, fmt.Errorf("the admin listener %s has no port that could be asked; see --admin", a.Listen)
	}
	if port == "0" {
		return nil, errors.New("the admin listener has whichever port is free; name the one that dvproxy logged, by --admin")
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return &adminClient{net.JoinHostPort(host, port), &http.Client{Transport: &http.Transport{DialContext: dialLoopback, DisableKeepAlives: true}}}, nil
}

// dialLoopback knows localhost by itself: an image without /etc/hosts would ask
// DNS.
func dialLoopback(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	host, port, err := net.SplitHostPort(address)
	if err != nil || host != "localhost" {
		return d.DialContext(ctx, network, address)
	}
	conn, err := d.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		if other, err := d.DialContext(ctx, network, net.JoinHostPort("::1", port)); err == nil {
			return other, nil
		}
	}
	return conn, err
}

// do sends a request without a body and returns the answer's status and text.
func (a *adminClient) do(ctx context.Context, limit time.Duration, method, path string) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+a.address+path, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := a.http.Do(request)
	if err != nil {
		return 0, nil, a.noAnswer(ctx, err)
	}
	defer resp.Body.Close()
	const longest = 1 << 20
	body, err := io.ReadAll(io.LimitReader(resp.Body, longest))
	if err != nil {
		return 0, nil, a.noAnswer(ctx, err)
	}
	return resp.StatusCode, body, nil
}

func (a *adminClient) noAnswer(ctx context.Context, err error) error {
	var op *net.OpError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("no answer at %s in time", a.address)
	case errors.As(err, &op):
		return fmt.Errorf("no dvproxy answers at %s: %w", a.address, op.Err)
	}
	return fmt.Errorf("no dvproxy answers at %s: %w", a.address, errors.Unwrap(err))
}

// ready asks once; nil says that dvproxy is ready, an error why not.
func (a *adminClient) ready(ctx context.Context, limit time.Duration) error {
	status, body, err := a.do(ctx, limit, http.MethodGet, "/readyz")
	if err != nil {
		return err
	}
	var said struct {
		Ready, Draining bool
		Environments    []struct {
			Name, Error string
			Ready       bool
		}
	}
	switch err := json.Unmarshal(body, &said); {
	case err != nil || len(said.Environments) == 0:
		return fmt.Errorf("what answers at %s is not dvproxy's admin listener (status %d)", a.address, status)
	case status == http.StatusOK && said.Ready:
		return nil
	case said.Draining:
		return errors.New("not ready: it is draining")
	}
	why := []string{"not ready"}
	for _, e := range said.Environments {
		switch {
		case e.Ready:
		case e.Error == "":
			why = append(why, e.Name+" has no token yet")
		default:
			why = append(why, e.Name+": "+e.Error)
		}
	}
	return errors.New(strings.Join(why, "; "))
}
