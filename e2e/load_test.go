package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// tenant starts a simulated tenant for a test.
func tenant(t testing.TB, o simulator.Options) *simulator.Server {
	t.Helper()
	s, err := simulator.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// tokenCalls counts the calls of a tenant's token endpoint.
func tokenCalls(s *simulator.Server) int {
	n := 0
	for _, calls := range s.Stats().TokenCalls {
		n += calls
	}
	return n
}

// newClient is a client with connections of its own, as one program has.
func newClient(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 4}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// An outcome is how a request ended: its status, or 0 and the error.
type outcome struct {
	status int
	code   string // of an OData error
	header http.Header
	err    error
}

func (o outcome) String() string {
	if o.err != nil {
		return o.err.Error()
	}
	return strings.TrimSpace(fmt.Sprint(o.status, " ", o.code))
}

// send makes one request and reads the whole answer.
func send(t testing.TB, c *http.Client, method, url string, body io.Reader) outcome {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.Do(request)
	if err != nil {
		return outcome{err: err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return outcome{err: err}
	}
	var odata struct{ Error struct{ Code string } }
	if resp.StatusCode >= 400 {
		_ = json.Unmarshal(answer, &odata)
	}
	return outcome{status: resp.StatusCode, code: odata.Error.Code, header: resp.Header}
}

// A tally counts outcomes by what they are.
type tally struct {
	mu     sync.Mutex // guards counts
	counts map[string]int
}

func (c *tally) add(o outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = map[string]int{}
	}
	c.counts[o.String()]++
}

// bad is what was not 2xx.
func (c *tally) bad() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	bad := map[string]int{}
	for what, n := range c.counts {
		if !strings.HasPrefix(what, "2") {
			bad[what] = n
		}
	}
	return bad
}

func (c *tally) total() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, k := range c.counts {
		n += k
	}
	return n
}

// push lets clients create rows with names of their own, and read some, until
// the time is over, each with a short pause after each request.
func push(t testing.TB, origin string, clients int, d time.Duration) *tally {
	t.Helper()
	var outcomes tally
	var n atomic.Int64
	var wg sync.WaitGroup
	end := time.Now().Add(d)
	for range clients {
		wg.Go(func() {
			c := newClient(t)
			pause := time.NewTicker(20 * time.Millisecond)
			defer pause.Stop()
			for time.Now().Before(end) {
				row := n.Add(1)
				if row%5 == 0 {
					outcomes.add(send(t, c, "GET", origin+accounts+"?$top=1&$select=name", nil))
				} else {
					outcomes.add(send(t, c, "POST", origin+accounts, strings.NewReader(fmt.Sprintf(`{"name":"row-%d"}`, row))))
				}
				<-pause.C
			}
		})
	}
	wg.Wait()
	return &outcomes
}

// metrics are those of the admin listener.
func metrics(t testing.TB, p *proxy) string {
	t.Helper()
	resp, err := http.Get(p.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return readAll(resp)
}

// memory returns a line of /proc/PID/status, such as VmRSS, in bytes.
func (p *proxy) memory(t testing.TB, what string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte(what+":")); ok {
			kib, err := strconv.ParseInt(string(bytes.Fields(rest)[0]), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kib << 10
		}
	}
	t.Fatalf("no %s in the status of the process", what)
	return 0
}
