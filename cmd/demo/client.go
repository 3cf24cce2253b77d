package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// A client is a legacy program's way to Dataverse: plain HTTP, no retries, and
// no idea of a token but the one it may have been given.
type client struct {
	origin string
	token  string // sent for as long as the program runs; empty through dvproxy
	http   *http.Client
}

const (
	apiPath      = "/api/data/v9.2/"
	clientLimit  = 10 * time.Second // for one request
	longestBytes = 64 << 20         // of an answer
)

func newClient(origin, token string) *client {
	return &client{origin: origin, token: token, http: &http.Client{Transport: &http.Transport{}, Timeout: clientLimit}}
}

// An answer is an HTTP response, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) ok() bool { return a.status/100 == 2 }

// why is the message of an answer that is not ok.
func (a answer) why() string {
	var body struct{ Error struct{ Message string } }
	if json.Unmarshal(a.body, &body) == nil && body.Error.Message != "" {
		return fmt.Sprintf("%d, %s", a.status, body.Error.Message)
	}
	return fmt.Sprintf("%d %s", a.status, http.StatusText(a.status))
}

// send does one request; path follows apiPath, body is JSON or empty, id is what
// Dataverse calls the client's request id.
func (c *client) send(ctx context.Context, method, path, body, id string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.origin+apiPath+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("x-ms-client-request-id", id)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(io.LimitReader(resp.Body, longestBytes))
	return answer{resp.StatusCode, resp.Header, read}, err
}
