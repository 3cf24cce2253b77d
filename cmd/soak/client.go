package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"
)

// A request is one of a client's; path follows apiPath.
type request struct {
	method, path, kind, body string
	keys                     []string // of the writes in it, as the ledger knows them
	id                       string   // x-ms-client-request-id, which dvproxy logs
	header                   http.Header
	chunked                  bool // its length is not declared
	stream                   func() *stalled
	leaves                   bool // the client ends it itself
}

// An answer is what a client got.
type answer struct {
	status int
	code   string // of dvproxy's own answers
	hint   bool   // it had a Retry-After
	err    error
	got    bool // a header came before err
}

const longestAnswer = 16 << 20

func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: cutClients, ExpectContinueTimeout: 10 * time.Second}, Timeout: 2 * time.Minute}
}

// send does one request.
func (st *stage) send(ctx context.Context, r request) answer {
	var body io.Reader = strings.NewReader(r.body)
	if r.stream != nil {
		body = r.stream()
	}
	if r.chunked {
		body = io.MultiReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, st.program.origin+apiPath+r.path, body) //nolint:gosec // the program told its origin
	if err != nil {
		return answer{err: err}
	}
	maps.Copy(req.Header, r.header)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	if r.body != "" {
		req.Header.Set("Content-Type", r.kind)
	}
	if r.id != "" {
		req.Header.Set("x-ms-client-request-id", r.id)
	}
	resp, err := st.client.Do(req) //nolint:gosec // as above
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer))
	a := answer{status: resp.StatusCode, err: err, got: true, hint: resp.Header.Get("Retry-After") != ""}
	var said struct{ Error struct{ Code string } }
	if json.Unmarshal(text, &said) == nil && strings.HasPrefix(said.Error.Code, "dvproxy.") {
		a.code = said.Error.Code
	}
	return a
}

// kind names a failure; empty is none.
func (a answer) kind() string {
	var dial *net.OpError
	switch {
	case a.err != nil && a.got:
		return brokenAnswer
	case errors.As(a.err, &dial) && dial.Op == "dial":
		return noConnection
	case a.err != nil:
		return brokenConnection
	case a.status/100 == 2:
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", a.status, a.code))
}

// refused says whether a failure promises that nothing was done.
func refused(kind string) bool {
	switch kind {
	case noToken, draining, signIn, unauthorized, throttled, limited, noConnection:
		return true
	}
	return false
}

// A stalled body waits in its middle, and then goes on or fails.
type stalled struct {
	first, second *strings.Reader
	goesOn        bool
	waited        bool
	ctx           context.Context //nolint:containedctx // a reader has no other way to be told
	st            *stage
}

var errGone = errors.New("the client has gone")

func (s *stalled) Read(p []byte) (int, error) {
	if s.first.Len() > 0 {
		return s.first.Read(p)
	}
	if !s.waited {
		s.waited = true
		s.st.wait(s.ctx, 300*time.Millisecond)
	}
	if !s.goesOn {
		return 0, errGone
	}
	return s.second.Read(p)
}
