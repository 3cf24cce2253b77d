package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// A turn is what one contender did in one round.
type turn struct {
	answered int
	cpu      time.Duration // of its processes
	took     time.Duration
}

func (t turn) cost() time.Duration { return t.cpu / time.Duration(max(t.answered, 1)) }

// A runner is a contender in its place.
type runner struct {
	contender
	version string
	listen  string
	process *process
	turns   []turn
}

// sideBySide lets the contenders take turns, and prints what they cost.
func sideBySide(ctx context.Context, s settings, stdout, stderr io.Writer) error {
	dir, err := os.MkdirTemp("", "dvproxy-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	up, err := newUpstream(ctx, dir, s.tls)
	if err != nil {
		return err
	}
	defer up.close()
	runners, err := enter(ctx, s, up, dir, stderr)
	for _, r := range runners {
		defer r.process.stop()
	}
	if err != nil {
		return err
	}
	for round := range s.rounds + 1 {
		for _, r := range runners {
			t, err := r.turn(ctx, s, up)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if round > 0 { // the first is to warm up
				r.turns = append(r.turns, t)
			}
		}
		if round > 0 {
			fmt.Fprintf(stderr, "round %d of %d\n", round, s.rounds)
		}
	}
	return report(stdout, s, runners)
}

// enter starts the contenders that are asked for and there.
func enter(ctx context.Context, s settings, up *upstream, dir string, stderr io.Writer) (runners []*runner, err error) {
	if s.proxy == "" {
		if s.proxy, err = build(ctx, dir); err != nil {
			return nil, err
		}
	}
	for _, c := range contenders(s) {
		if len(s.only) > 0 && c.name != reference && !slices.Contains(s.only, c.name) {
			continue
		}
		version, err := c.versionOf()
		switch {
		case err != nil && c.name == reference:
			return runners, fmt.Errorf("without it there is nothing to compare with: %w", err)
		case err != nil:
			fmt.Fprintf(stderr, "left out: %v\n", err)
			continue
		}
		r, err := place(ctx, c, up, dir)
		if err != nil {
			return runners, err
		}
		r.version = version
		runners = append(runners, r)
	}
	return runners, nil
}

// place starts a contender before the upstream, in a folder of its own.
func place(ctx context.Context, c contender, up *upstream, dir string) (*runner, error) {
	listen, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	at := site{
		dir: filepath.Join(dir, c.name), listen: listen, upstream: up.address, tls: up.tls,
		caFile: up.caFile, token: up.token, tokenURL: up.tokenURL,
	}
	if err := os.Mkdir(at.dir, 0o700); err != nil {
		return nil, err
	}
	p, err := start(ctx, c, at)
	return &runner{contender: c, listen: listen, process: p}, err
}

// freeAddress is one that was free a moment ago: two of the programs cannot be
// given port 0. Whoever takes it in between makes the start fail.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// build makes dvproxy as a release does, in a folder.
func build(ctx context.Context, dir string) (string, error) {
	file := filepath.Join(dir, "dvproxy-built")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, "dvproxy/cmd/proxy") //nolint:gosec // its arguments are ours
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build dvproxy: %w\n%s", err, out)
	}
	return file, nil
}

// turn loads one contender, while the others have nothing to do.
func (r *runner) turn(ctx context.Context, s settings, up *upstream) (turn, error) {
	before, err := r.process.cpu()
	if err != nil {
		return turn{}, err
	}
	began := time.Now()
	answered, err := load(ctx, r.listen, s.clients, s.turn)
	took := time.Since(began)
	if n := up.bare.Swap(0); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d requests came without the token", n))
	}
	if err != nil {
		return turn{}, err
	}
	after, err := r.process.cpu()
	return turn{answered: answered, cpu: after - before, took: took}, err
}

// report prints medians over the rounds. The ratio is to the reference in the
// same round.
func report(w io.Writer, s settings, runners []*runner) error {
	scheme := "http"
	if s.tls {
		scheme = "https"
	}
	fmt.Fprintf(w, "%d connections, answers of %d bytes, upstream by %s, median of %d rounds of %v:\n\n", s.clients, answerBytes, scheme, s.rounds, s.turn)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "proxy\tCPU a request\tratio to %s\tleast to most\trequests a second\tversion\n", reference)
	for _, r := range runners {
		var costs, ratios, rates []float64
		for i, t := range r.turns {
			costs = append(costs, float64(t.cost().Nanoseconds())/1000)
			ratios = append(ratios, float64(t.cost())/float64(max(runners[0].turns[i].cost(), 1)))
			rates = append(rates, float64(t.answered)/t.took.Seconds())
		}
		fmt.Fprintf(table, "%s\t%.0f µs\t%.2f\t%.2f to %.2f\t%.0f\t%s\n", r.name, median(costs), median(ratios), slices.Min(ratios), slices.Max(ratios), median(rates), r.version)
	}
	return table.Flush()
}

func median(of []float64) float64 {
	of = slices.Sorted(slices.Values(of))
	return (of[(len(of)-1)/2] + of[len(of)/2]) / 2
}
