//go:build unix && !linux

package main

import (
	"syscall"
	"time"
)

func prepare(*syscall.SysProcAttr) (others []int) { return nil }

// reap waits for the command and returns its exit code.
func (c *child) reap() int {
	state, err := c.process.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reaped = true
	if err != nil {
		return exitFailed
	}
	status, _ := state.Sys().(syscall.WaitStatus)
	return statusCode(status)
}

// endLeftBehind ends what is left of the command's process group, where that is
// its own: with SIGTERM, and after a while with SIGKILL.
func (c *child) endLeftBehind() {
	if !c.ownGroup {
		return
	}
	const look, polite = 10 * time.Millisecond, 2 * time.Second
	group := -c.process.Pid
	err := syscall.Kill(group, syscall.SIGTERM)
	for start := time.Now(); err == nil && time.Since(start) < polite; {
		<-time.After(look)
		err = syscall.Kill(group, 0)
	}
	if err == nil {
		_ = syscall.Kill(group, syscall.SIGKILL)
	}
}
