package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

const (
	accounts = "/api/data/v9.2/accounts"
	upload   = 1 << 20  // well over retry.memory
	rows     = 300      // of the page
	column   = 10 << 10 // of each row
)

// A load is what is asked of one dvproxy.
type load struct {
	origin, control         string
	clients, rounds         int
	answers, sent, received atomic.Int64
	page                    []byte // what every client has to get
}

// run fills the store, lets the clients loose and counts what they left.
func (l *load) run(ctx context.Context) error {
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = l.clients
	if err := l.fill(ctx); err != nil {
		return fmt.Errorf("before the load: %w", err)
	}
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for i := range l.clients {
		wg.Go(func() {
			if err := l.client(running, i); err != nil {
				cancel(fmt.Errorf("client %d: %w", i, err)) // the first of them is told of
			}
		})
	}
	wg.Wait()
	if err := context.Cause(running); err != nil {
		return err
	}
	return l.count(ctx)
}

// fill makes a page of a few MB.
func (l *load) fill(ctx context.Context) error {
	for i := range rows {
		text := strings.Repeat(fmt.Sprintf("row %03d, ", i), column/9)
		body := fmt.Sprintf(`{"name":"page %03d","telephone1":"page","description":%q}`, i, text)
		if _, err := l.do(ctx, http.MethodPost, accounts, http.StatusNoContent, []byte(body)); err != nil {
			return err
		}
	}
	page, err := l.do(ctx, http.MethodGet, pageTarget, http.StatusOK, nil)
	l.page = page
	if err == nil && len(page) < rows*column/2 {
		return fmt.Errorf("the page has only %d bytes", len(page))
	}
	return err
}

const pageTarget = accounts + "?$select=name,description&$filter=telephone1%20eq%20%27page%27&$orderby=name"

// client uploads, reads back, pages and writes a row, again and again.
func (l *load) client(ctx context.Context, i int) error {
	id := fmt.Sprintf("00000000-0000-0000-0000-%012d", i+1)
	row := accounts + "(" + id + ")"
	if _, err := l.do(ctx, http.MethodPatch, row, http.StatusNoContent, fmt.Appendf(nil, `{"name":"file %d"}`, i)); err != nil {
		return err
	}
	random := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%032d", i))))
	file := make([]byte, upload)
	for round := range l.rounds {
		if i == 0 && round == l.rounds/2 { // once: a request that meets two has failed
			if err := l.revoke(ctx); err != nil {
				return err
			}
		}
		_, _ = random.Read(file)
		if _, err := l.do(ctx, http.MethodPatch, row+"/sample_filecolumn", http.StatusNoContent, file); err != nil {
			return fmt.Errorf("upload: %w", err)
		}
		back, err := l.do(ctx, http.MethodGet, row+"/sample_filecolumn/$value", http.StatusOK, nil)
		if err != nil {
			return fmt.Errorf("download: %w", err)
		}
		if !bytes.Equal(back, file) {
			return fmt.Errorf("download: %d bytes came back that are not those that were sent", len(back))
		}
		page, err := l.do(ctx, http.MethodGet, pageTarget, http.StatusOK, nil)
		if err != nil {
			return fmt.Errorf("page: %w", err)
		}
		if !bytes.Equal(page, l.page) {
			return fmt.Errorf("page: it is not the same as before, %d bytes and %d", len(page), len(l.page))
		}
		if _, err := l.do(ctx, http.MethodPost, accounts, http.StatusNoContent, fmt.Appendf(nil, `{"name":"row %d %d","telephone1":"row"}`, i, round)); err != nil {
			return fmt.Errorf("row: %w", err)
		}
	}
	return nil
}

// count wants each row once.
func (l *load) count(ctx context.Context) error {
	body, err := l.do(ctx, http.MethodGet, accounts+"?$select=name&$filter=telephone1%20eq%20%27row%27", http.StatusOK, nil)
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	var all []error
	for i := range l.clients {
		for round := range l.rounds {
			if n := bytes.Count(body, fmt.Appendf(nil, `"row %d %d"`, i, round)); n != 1 {
				all = append(all, fmt.Errorf("row %d %d is there %d times", i, round, n))
			}
		}
	}
	return errors.Join(all...)
}

// revoke makes every token useless that was given out so far.
func (l *load) revoke(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.control+"/tokens/revoke", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// do sends a request and returns the whole answer, which has to have that status.
func (l *load) do(ctx context.Context, method, target string, want int, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, l.origin+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.GetBody = nil
	request.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(target, "_filecolumn") {
		request.Header.Set("Content-Type", "application/octet-stream")
		request.Header["x-ms-file-name"] = []string{"random.bin"}
	}
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != want {
		return nil, fmt.Errorf("%s %s: %d, want %d: %.300s", method, target, resp.StatusCode, want, answer)
	}
	l.answers.Add(1)
	l.sent.Add(int64(len(body)))
	l.received.Add(int64(len(answer)))
	return answer, nil
}
