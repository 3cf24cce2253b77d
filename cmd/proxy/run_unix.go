//go:build unix

package main

import (
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// passedSignals are those that a command is passed, and SIGPIPE, which would end
// dvproxy if its own log cannot be written any more.
func passedSignals() []os.Signal {
	return []os.Signal{
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGPIPE,
	}
}

// A child is the command that dvproxy runs.
//
// Where there is a terminal, it is in dvproxy's own process group, so that job
// control and the keyboard work as if it had been started alone: what is typed
// goes to the whole group. Elsewhere it has a group of its own, so that a signal
// to dvproxy's group (as CI runners send it) does not reach it twice.
type child struct {
	ended  chan int // its exit code
	others []int    // process ids of children that dvproxy had before

	mu       sync.Mutex // guards the fields below
	process  *os.Process
	ownGroup bool
	reaped   bool
}

// startChild starts the command.
func startChild(r *wrapper, env []string) (*child, error) {
	c := &child{ended: make(chan int, 1), ownGroup: !hasTerminal()}
	started := make(chan error)
	go func() {
		// The kernel ends the command when the thread that has started it ends:
		// that must not be before dvproxy does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd := r.newCommand(env)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: c.ownGroup}
		c.others = prepare(cmd.SysProcAttr)
		err := cmd.Start()
		c.process = cmd.Process
		started <- err
		if err == nil {
			c.ended <- c.reap()
		}
	}()
	return c, <-started
}

// wait returns the command's exit code when it has ended, and so has what it
// left running.
func (c *child) wait() int {
	code := <-c.ended
	c.endLeftBehind()
	return code
}

// pass passes a signal on.
func (c *child) pass(n syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.reaped || n == syscall.SIGPIPE:
	case c.ownGroup:
		_ = syscall.Kill(-c.process.Pid, n)
	case isTyped(n) && inForeground(): // it has it already
	default:
		_ = c.process.Signal(n)
	}
}

// isTyped says whether a terminal sends a signal to a whole process group.
func isTyped(n syscall.Signal) bool {
	return n == syscall.SIGINT || n == syscall.SIGQUIT || n == syscall.SIGWINCH
}

func hasTerminal() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	_ = tty.Close()
	return true
}

// inForeground says whether dvproxy's process group is the one that the
// terminal sends signals to.
func inForeground() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == syscall.Getpgrp()
}

// statusCode is the exit code of a process that has ended.
func statusCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return exitCodeOf(status.Signal())
	}
	return status.ExitStatus()
}
