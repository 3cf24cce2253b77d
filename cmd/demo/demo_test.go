package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

func noEnv(string) string { return "" }

func TestThePushTwice(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--duration", "5s", "--token-lifetime", "2s"}, noEnv, &stdout, &stderr)
	if code != exitOK || stderr.Len() > 0 {
		t.Errorf("exit code %d, want %d; stderr: %s", code, exitOK, &stderr)
	}
	for _, want := range []string{
		`(?m)^Direct: \d\d+ rows, then \d\d+ requests refused with 401, from \d\.\d s on\.$`,
		`(?m)^Through dvproxy: \d\d+ rows, 0 failures, \d+ renewals, every row exactly once\.$`,
		`(?m)^Every promise held\.$`,
		`(?m)^ +5\.0 s `, // the last plain line
	} {
		if !regexp.MustCompile(want).Match(stdout.Bytes()) {
			t.Errorf("no match of %s", want)
		}
	}
	if strings.Contains(stdout.String(), "\x1b") || strings.Contains(stdout.String(), "  NO  ") {
		t.Error("control sequences or broken promises in the output")
	}
	if t.Failed() {
		t.Log(stdout.String())
	}
}

func TestBrokenPromises(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		settings settings
		fault    simulator.Fault // of the Dataverse behind dvproxy, if it has a kind
		want     []string        // all promises that are broken, as text they begin with
		detail   string
	}{
		{
			name:     "a run that ends before the token",
			settings: settings{duration: 700 * time.Millisecond, tokenLifetime: 3 * time.Second},
			want:     []string{"the direct run met no 401 in 0.7 s: it must outlast a token's life, 3 s"},
		},
		{
			name:     "a plug-in's own 401, before it has done anything",
			settings: settings{duration: 3 * time.Second, tokenLifetime: 2 * time.Second},
			fault:    simulator.Fault{Kind: simulator.FaultStatus, Status: 401, Message: "Not today.", Method: http.MethodPost, Skip: 2, Count: 1},
			want:     []string{"through dvproxy 1 of "},
			detail:   "1 with 401; the first:\n      POST: 401, Not today.",
		},
		{
			name:     "the same, after the row was written",
			settings: settings{duration: 3 * time.Second, tokenLifetime: 2 * time.Second},
			fault:    simulator.Fault{Kind: simulator.FaultAppUnauthorized, Method: http.MethodPost, Skip: 2, Count: 1},
			want:     []string{"through dvproxy 1 of ", "of "},
			detail:   "1 more in the store, whose push had failed",
		},
		{
			name:     "a lost answer",
			settings: settings{duration: 3 * time.Second, tokenLifetime: 2 * time.Second},
			fault:    simulator.Fault{Kind: simulator.FaultReset, Method: http.MethodPost, Skip: 2, Count: 1},
			want:     []string{"through dvproxy 1 of "},
			detail:   "0 with 401; the first:\n      POST: 502, ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st := newTestStage(t, tt.settings.tokenLifetime)
			if tt.fault.Kind != "" {
				if err := st.proxied.FailDataverse(tt.fault); err != nil {
					t.Fatal(err)
				}
			}
			var out bytes.Buffer
			code, err := perform(t.Context(), st, tt.settings, newDisplay(&out, noEnv))
			if code != exitBroken || err != nil {
				t.Errorf("exit code %d, %v; want %d", code, err, exitBroken)
			}
			broken := regexp.MustCompile(`(?m)^  NO  .*$`).FindAllString(out.String(), -1)
			if !slices.EqualFunc(broken, tt.want, func(got, want string) bool { return strings.HasPrefix(got, "  NO  "+want) }) {
				t.Errorf("broken %q, want %q", broken, tt.want)
			}
			if !strings.Contains(out.String(), tt.detail) || !strings.Contains(out.String(), "A promise was broken.") {
				t.Errorf("no %q in\n%s", tt.detail, &out)
			}
		})
	}
}

func newTestStage(t *testing.T, tokenLifetime time.Duration) *stage {
	t.Helper()
	st, err := newStage(t.Context(), tokenLifetime)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.close)
	return st
}

// A trigger is a writer that acts as soon as a text has been written.
type trigger struct {
	text string
	act  func(soFar string)
	once sync.Once

	mu  sync.Mutex // guards out
	out bytes.Buffer
}

func (w *trigger) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out.Write(p)
	if soFar := w.out.String(); strings.Contains(soFar, w.text) {
		w.once.Do(func() { go w.act(soFar) })
	}
	return len(p), nil
}

func (w *trigger) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.String()
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &trigger{text: "0.0 s", act: func(string) { cancel() }}
	code := run(ctx, []string{"--duration", "1h"}, noEnv, out, io.Discard)
	if code != exitInterrupted || !regexp.MustCompile(`\nInterrupted after \d+\.\d s`).MatchString(out.String()) {
		t.Errorf("exit code %d, want %d:\n%s", code, exitInterrupted, out)
	}
}

// What --keep prints works as it says, until the interrupt.
func TestKeep(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	statuses := make(chan []int, 1)
	out := &trigger{text: "Ctrl-C ends it", act: func(soFar string) {
		statuses <- getAll(ctx, soFar)
		cancel()
	}}
	code := run(ctx, []string{"--duration", "3s", "--token-lifetime", "2s", "--keep"}, noEnv, out, io.Discard)
	if code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	// WhoAmI and rows through dvproxy, WhoAmI straight, stats, readyz.
	if got, want := <-statuses, []int{200, 200, 401, 200, 200}; !slices.Equal(got, want) {
		t.Errorf("statuses %v, want %v:\n%s", got, want, out)
	}
	if !strings.Contains(out.String(), "msg=request method=GET path=/api/data/v9.2/WhoAmI status=200") {
		t.Errorf("no log of the request:\n%s", out)
	}
}

// getAll does those of the printed curl lines that are a GET and returns the
// statuses.
func getAll(ctx context.Context, text string) []int {
	var statuses []int
	for _, m := range regexp.MustCompile(`(?m)^  curl (?:-i )?'?(http://\S+?)'?$`).FindAllStringSubmatch(text, -1) {
		status := 0
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, m[1], nil)
		if err == nil {
			var resp *http.Response
			if resp, err = http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
				status = resp.StatusCode
			}
		}
		statuses = append(statuses, status)
	}
	return statuses
}

func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		name           string
		args           string
		want           int
		stdout, stderr string
	}{
		{"help", "--help", exitOK, "--token-lifetime 5s", ""},
		{"unknown flag", "--nonsense", exitUsage, "", "nonsense"},
		{"argument", "fast", exitUsage, "", "flags only"},
		{"no duration", "--duration 0s", exitUsage, "", "--duration must be"},
		{"half seconds", "--token-lifetime 1500ms", exitUsage, "", "whole seconds"},
		{"two mistakes", "--duration -1s --token-lifetime 0s", exitUsage, "", "--token-lifetime must be"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), strings.Fields(tt.args), noEnv, &stdout, &stderr)
			if code != tt.want || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("exit code %d, want %d\nstdout: %s\nstderr: %s", code, tt.want, &stdout, &stderr)
			}
		})
	}
}
