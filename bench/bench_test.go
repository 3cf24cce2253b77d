package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// needs skips a test where a program is missing, but for CI, which installs it.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processor times are read in /proc")
	}
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
}

func bench(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, log strings.Builder
	code = run(t.Context(), args, &out, &log)
	return code, out.String(), log.String()
}

func TestOneRound(t *testing.T) {
	needs(t, "nginx", "haproxy")
	for _, upstream := range [][]string{nil, {"--tls"}} {
		code, stdout, stderr := bench(t, append(upstream, "--rounds", "1", "--turn", "200ms", "--clients", "4", "--only", "haproxy,dvproxy")...)
		if code != exitOK {
			t.Fatalf("%q: exit %d: %s", upstream, code, stderr)
		}
		for _, want := range []string{"nginx ", "haproxy ", "dvproxy "} {
			if !strings.Contains(stdout, "\n"+want) {
				t.Errorf("%q: no row of %s in\n%s", upstream, want, stdout)
			}
		}
	}
}

// A proxy that loses the token, or gives other answers, has no figures.
func TestWrongAnswersAreNoFigures(t *testing.T) {
	needs(t, "nginx")
	for _, tt := range []struct{ name, config, want string }{
		{"no token", strings.Replace(nginxConfig, "proxy_set_header Authorization", "proxy_set_header X-Authorization", 1), "without the token"},
		{"an error", strings.Replace(nginxConfig, "location / {", "location / { return 503;", 1), "an answer of 503"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			up, err := newUpstream(t.Context(), t.TempDir(), false)
			if err != nil {
				t.Fatal(err)
			}
			defer up.close()
			c := contenders(settings{})[0]
			c.config = tt.config
			r, err := place(t.Context(), c, up, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer r.process.stop()
			_, err = r.turn(t.Context(), settings{clients: 1, turn: 100 * time.Millisecond}, up)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestProgramThatDoesNotStart(t *testing.T) {
	needs(t, "nginx")
	up, err := newUpstream(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer up.close()
	c := contenders(settings{})[0]
	c.config = "nonsense;"
	if _, err := place(t.Context(), c, up, t.TempDir()); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("error %v, want one with what the program said", err)
	}
}

func TestLongLine(t *testing.T) {
	needs(t)
	code, stdout, stderr := bench(t, "--line", "5ms")
	if code != exitOK || !strings.Contains(stdout, "straight") || !strings.Contains(stdout, "dvproxy") {
		t.Errorf("exit %d: %s\n%s", code, stderr, stdout)
	}
}

// A line takes a round trip for the connection, and one for the request.
func TestLineIsAsLongAsItSays(t *testing.T) {
	up, err := newUpstream(t.Context(), t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer up.close()
	l, err := newLine(t.Context(), up.address, 50*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	var took []float64
	w := way{client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, origin: "http://" + l.address, token: up.token}
	if err := w.get(t.Context(), "/", &took); err != nil {
		t.Fatal(err)
	}
	if took[0] < 100 {
		t.Errorf("took %v ms, want 100 at least", took[0])
	}
	if l.carried.Load() < answerBytes || up.bare.Load() != 0 {
		t.Errorf("%d bytes came over, %d requests without the token", l.carried.Load(), up.bare.Load())
	}
}

func TestCommandLine(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"--rounds 0", "--rounds"},
		{"--turn 0s", "--turn"},
		{"--line -1s", "--line"},
		{"--only apache", `"apache"`},
		{"--only haproxy,", `""`},
		{"fast", `"fast"`},
		{"--fast", "see --help"},
	} {
		code, _, stderr := bench(t, strings.Fields(tt.args)...)
		if code != exitUsage || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit %d and %q, want 2 and %s", tt.args, code, stderr, tt.want)
		}
	}
	if code, stdout, _ := bench(t, "--help"); code != exitOK || stdout != help {
		t.Errorf("--help: exit %d", code)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code := run(ctx, []string{"--line", "5ms"}, new(strings.Builder), new(strings.Builder)); code != exitInterrupted {
		t.Errorf("interrupted: exit %d, want 130", code)
	}
}
