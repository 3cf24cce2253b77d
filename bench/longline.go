package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const freshConnections = 20 // of a client that opens one for each request

// longLine measures what a client feels over a line of s.line, straight and
// through dvproxy.
func longLine(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "dvproxy-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	up, err := newUpstream(ctx, dir, true)
	if err != nil {
		return err
	}
	defer up.close()
	far, err := newLine(ctx, up.address, s.line)
	if err != nil {
		return err
	}
	defer far.close()
	up.address = far.address // from here on, who goes there goes over the line
	if s.proxy == "" {
		if s.proxy, err = build(ctx, dir); err != nil {
			return err
		}
	}
	fmt.Fprintf(stderr, "%d requests straight, and %d through dvproxy\n", freshConnections, freshConnections)
	r, err := place(ctx, ours(s), up, dir)
	if err != nil {
		return err
	}
	defer r.process.stop()
	straight, through, err := bothWays(up, r.listen)
	if err != nil {
		return err
	}
	if err := through.get(ctx, "/", nil); err != nil { // to warm up
		return err
	}
	if err := printTimes(ctx, s, stdout, straight, through); err != nil {
		return err
	}
	return printBytes(ctx, stdout, far, straight, through)
}

func printTimes(ctx context.Context, s settings, w io.Writer, straight, through way) error {
	var slow, fast []float64
	for range freshConnections {
		if err := straight.get(ctx, "/", &slow); err != nil {
			return err
		}
		if err := through.get(ctx, "/", &fast); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, "A round trip of %v, TLS, a new connection for each request, median of %d:\n", s.line, freshConnections)
	fmt.Fprintf(w, "  straight  %7.0f ms\n  dvproxy   %7.0f ms\n  ratio     %7.2f\n", median(slow), median(fast), median(slow)/median(fast))
	return nil
}

func printBytes(ctx context.Context, w io.Writer, far *line, ways ...way) error {
	var carried []int64
	for _, way := range ways {
		before := far.carried.Load()
		if err := way.get(ctx, "/page", nil); err != nil {
			return err
		}
		carried = append(carried, far.carried.Load()-before)
	}
	fmt.Fprintf(w, "A page of %d records for a client that does not ask for gzip, bytes over the line:\n", pageRecords)
	fmt.Fprintf(w, "  straight  %7d\n  dvproxy   %7d\n  ratio     %7.1f\n", carried[0], carried[1], float64(carried[0])/float64(carried[1]))
	return nil
}

// A way is how a client gets to the upstream.
type way struct {
	client *http.Client
	origin string
	token  string // that the client itself must send; may be empty
}

func bothWays(up *upstream, local string) (straight, through way, err error) {
	roots := x509.NewCertPool()
	text, err := os.ReadFile(up.caFile)
	if err != nil {
		return straight, through, err
	}
	roots.AppendCertsFromPEM(text)
	fresh := func() *http.Client {
		return &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, DisableCompression: true,
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		}}
	}
	return way{fresh(), "https://" + up.address, up.token}, way{fresh(), "http://" + local, ""}, nil
}

// get gets a path over a connection of its own, and adds the milliseconds that
// it took to took, which may be nil.
func (w way) get(ctx context.Context, path string, took *[]float64) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.origin+path, http.NoBody)
	if err != nil {
		return err
	}
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	began := time.Now()
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close() // read to its end
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s%s: an answer of %d", w.origin, path, resp.StatusCode)
	}
	if took != nil {
		*took = append(*took, float64(time.Since(began).Microseconds())/1000)
	}
	return nil
}
