// Command load is 64 clients of a dvproxy at once, for its memory limit to be met:
// uploads that do not fit in memory, pages of a few MB, rows, and tokens that are
// revoked meanwhile. It fails on any answer that is not the right one.
//
//	go run ./deploy/testing/load -origin http://localhost:7080 -control http://localhost:7182
//
// The other end has to be cmd/simulator.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var l load
	flag.StringVar(&l.origin, "origin", "http://localhost:7080", "where dvproxy listens")
	flag.StringVar(&l.control, "control", "http://localhost:7182", "the simulator's control endpoint")
	flag.IntVar(&l.clients, "clients", 64, "how many at once")
	flag.IntVar(&l.rounds, "rounds", 2, "what each does, so many times")
	flag.Parse()
	start := time.Now()
	if err := l.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d clients: %d answers, all of them right, %d MB up and %d MB down in %.1f s\n",
		l.clients, l.answers.Load(), l.sent.Load()/1e6, l.received.Load()/1e6, time.Since(start).Seconds())
}
