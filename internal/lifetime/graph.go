package lifetime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	version     = "/v1.0"
	answerLimit = 4 << 20 // bytes
	mostPages   = 50      // of a list
)

// Options say how patient a [Graph] is. The zero value means the defaults.
type Options struct {
	// MaxWait bounds the waiting for one request that Graph throttles or is not
	// ready for. Zero means a minute.
	MaxWait time.Duration

	// FirstWait is the first wait where Graph names none; it doubles. Zero means
	// half a second.
	FirstWait time.Duration

	// Progress is told, in half a sentence, what is being done or waited for. Nil
	// tells nobody.
	Progress func(string)
}

// Graph speaks to Microsoft Graph.
type Graph struct {
	origin string
	tokens Tokens
	opts   Options
	client *http.Client
	token  string // of this run; empty before the first call
}

// NewGraph returns a client for Graph at origin, such as
// https://graph.microsoft.com, which signs in with tokens once.
func NewGraph(origin string, tokens Tokens, opts Options) *Graph {
	if opts.MaxWait == 0 {
		opts.MaxWait = time.Minute
	}
	if opts.FirstWait == 0 {
		opts.FirstWait = 500 * time.Millisecond
	}
	if opts.Progress == nil {
		opts.Progress = func(string) {}
	}
	return &Graph{origin: origin, tokens: tokens, opts: opts, client: newClient()}
}

// newClient follows no redirects: whoever is named in one would get the token.
func newClient() *http.Client {
	return &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			DisableKeepAlives:   true, // calls are few, and an old connection may be dead
			ForceAttemptHTTP2:   true,
		},
	}
}

// do makes a call, again where that is safe and may help, and reads the answer
// into what it points at, if anything. The error is an [*Error], or that of
// signing in, or the context's.
func (g *Graph) do(ctx context.Context, c call, into any) error {
	wait, waited := g.opts.FirstWait, time.Duration(0)
	for attempt := 1; ; attempt++ {
		err := g.once(ctx, c, into)
		var e *Error
		if err == nil || !errors.As(err, &e) || !e.again(c.method, attempt) {
			return err
		}
		pause := max(wait, e.retryAfter)
		if waited += pause; waited > g.opts.MaxWait {
			return err
		}
		if e.retryAfter > 0 {
			g.opts.Progress(fmt.Sprintf("Graph asks to be left alone for %v", e.retryAfter))
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
		wait *= 2
	}
}

// once makes a call.
func (g *Graph) once(ctx context.Context, c call, into any) error {
	if err := g.signIn(ctx); err != nil {
		return err
	}
	var body io.Reader
	if c.body != nil {
		text, err := json.Marshal(c.body)
		if err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, c.method, g.origin+version+c.path, body)
	if err != nil {
		return fmt.Errorf("%s: %w", c.what, err)
	}
	request.Header.Set("Authorization", "Bearer "+g.token)
	request.Header.Set("Accept", "application/json")
	if c.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := g.client.Do(request)
	if err != nil {
		return unreachable(ctx, g.origin, c, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if err != nil {
		return unreachable(ctx, g.origin, c, err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return refusal(g.origin, c, response, answer)
	}
	if into != nil && json.Unmarshal(answer, into) != nil {
		return notGraph(g.origin, c, response.StatusCode)
	}
	return nil
}

func (g *Graph) signIn(ctx context.Context) error {
	if g.token != "" {
		return nil
	}
	token, _, err := g.tokens(ctx)
	if err != nil {
		return fmt.Errorf("sign in to Graph: %w", err)
	}
	g.token = token
	return nil
}

// list reads all pages of a list. A page elsewhere than at this Graph is not
// fetched: the token would go there.
func list[T any](ctx context.Context, g *Graph, c call) ([]T, error) {
	var all []T
	for range mostPages {
		var page struct {
			Value *[]T   `json:"value"`
			Next  string `json:"@odata.nextLink"`
		}
		if err := g.do(ctx, c, &page); err != nil {
			return nil, err
		}
		if page.Value == nil {
			return nil, notGraph(g.origin, c, http.StatusOK)
		}
		all = append(all, *page.Value...)
		if page.Next == "" {
			return all, nil
		}
		rest, ok := strings.CutPrefix(page.Next, g.origin+version+"/")
		if !ok {
			return nil, notGraph(g.origin, c, http.StatusOK)
		}
		c.path = "/" + rest
	}
	return nil, fmt.Errorf("%s: there are more than %d pages", c.what, mostPages)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
