package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// load sends requests over some connections for a while, one at a time on
// each, and says how many were answered. It fails with the first answer that
// is not 200 with a whole body.
func load(ctx context.Context, address string, clients int, long time.Duration) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	var answered atomic.Int64
	failures := make(chan error, clients)
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			if err := client(ctx, address, &answered); err != nil {
				failures <- err
			}
		})
	}
	all.Wait()
	close(failures)
	return int(answered.Load()), <-failures
}

// client keeps one connection until ctx is done.
func client(ctx context.Context, address string, answered *atomic.Int64) error {
	conn, err := new(net.Dialer).DialContext(context.WithoutCancel(ctx), "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	request := []byte("GET /api/data/v9.2/accounts(11111111-1111-4111-8111-111111111111)?$select=name HTTP/1.1\r\nHost: " + address + "\r\nAccept: application/json\r\n\r\n")
	in := bufio.NewReader(conn)
	for ctx.Err() == nil {
		if err := conn.SetDeadline(time.Now().Add(startLimit)); err != nil {
			return err
		}
		if _, err := conn.Write(request); err != nil {
			return err
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, resp.Body)
		if err = errors.Join(err, resp.Body.Close()); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK || n == 0 {
			return fmt.Errorf("an answer of %d with %d bytes", resp.StatusCode, n)
		}
		answered.Add(1)
	}
	return nil
}
