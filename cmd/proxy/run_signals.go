package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// terminate is what a command is told when it should end.
const terminate = syscall.SIGTERM

// signals are those that the process got, for whoever deals with them at the
// time. What comes while nobody does is kept.
type signals struct {
	c chan os.Signal

	mu      sync.Mutex // guards the fields below
	handle  func(syscall.Signal)
	pending []syscall.Signal
	latest  syscall.Signal // of those that ask to end
	at      time.Time      // when latest came
}

func newSignals() *signals {
	const room = 16
	s := &signals{c: make(chan os.Signal, room)}
	for _, sig := range passedSignals() {
		if !signal.Ignored(sig) { // one that is, as by nohup, stays so for the command
			signal.Notify(s.c, sig)
		}
	}
	go func() {
		for sig := range s.c {
			if n, ok := sig.(syscall.Signal); ok {
				s.got(n)
			}
		}
	}()
	return s
}

func (s *signals) stop() {
	signal.Stop(s.c)
	close(s.c)
}

func (s *signals) got(n syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n == syscall.SIGINT || n == syscall.SIGTERM {
		if n == s.latest && time.Since(s.at) < burst {
			return // it is the same one
		}
		s.latest, s.at = n, time.Now()
	}
	if s.handle == nil {
		s.pending = append(s.pending, n)
		return
	}
	s.handle(n)
}

// each lets f, which must not wait, deal with signals until stop is called.
func (s *signals) each(f func(syscall.Signal)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle = f
	for _, n := range s.pending {
		f(n)
	}
	s.pending = nil
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.handle = nil
	}
}

// isEnding says whether a signal asks a process to end.
func isEnding(n syscall.Signal) bool {
	return n == syscall.SIGINT || n == syscall.SIGTERM || n == syscall.SIGHUP || n == syscall.SIGQUIT
}

// exitCodeOf is that of a process which a signal has ended, as shells give it.
func exitCodeOf(n syscall.Signal) int {
	const base = 128
	return base + int(n)
}
