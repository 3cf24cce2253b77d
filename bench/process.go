package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const startLimit = 30 * time.Second // for a proxy to listen, or to end

// A process is a contender that runs.
type process struct {
	cmd    *exec.Cmd
	said   bytes.Buffer // complete once exited is closed
	exited chan struct{}
}

// start runs a contender and waits until something listens for it.
func start(ctx context.Context, c contender, at site) (*process, error) {
	cmd, err := c.command(at)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &p.said, &p.said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	go func() {
		_ = cmd.Wait() // how it ended is of no interest; that it did is
		close(p.exited)
	}()
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", at.listen)
		if err == nil {
			return p, conn.Close()
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return nil, fmt.Errorf("%s ended at its start: %s", c.name, bytes.TrimSpace(p.said.Bytes()))
		case <-ctx.Done():
			p.stop()
			return nil, fmt.Errorf("%s does not listen on %s: %w", c.name, at.listen, ctx.Err())
		}
	}
}

// stop ends the process, with a signal that all of them take for an order.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // or it has ended
	select {
	case <-p.exited:
	case <-time.After(startLimit):
		_ = p.cmd.Process.Kill()
		<-p.exited
	}
}

// cpu is the processor time that the process and its children have used, the
// ended ones included. Its grain is 10 ms. proc(5).
func (p *process) cpu() (time.Duration, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		return 0, errors.New("processor times are read in /proc, which is not there: this needs Linux")
	}
	parents, own := map[int]int{}, map[int]time.Duration{}
	for _, name := range stats {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended meanwhile
		}
		// The name of the program, in parentheses, may hold anything.
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		parents[pid], _ = strconv.Atoi(fields[1])
		for _, i := range []int{11, 12, 13, 14} { // utime, stime, cutime, cstime
			ticks, _ := strconv.Atoi(fields[i])
			own[pid] += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	var sum time.Duration
	for pid := range own {
		for at := pid; at > 0; at = parents[at] {
			if at == p.cmd.Process.Pid {
				sum += own[pid]
				break
			}
		}
	}
	return sum, nil
}
