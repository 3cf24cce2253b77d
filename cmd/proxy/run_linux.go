package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// prepare makes the command end if dvproxy is killed, and dvproxy the parent of
// what the command leaves behind. It returns the children that dvproxy has
// already.
func prepare(attributes *syscall.SysProcAttr) (others []int) {
	attributes.Pdeathsig = syscall.SIGKILL
	// Before Linux 3.4 there is no such thing, and nothing to be done about it.
	_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
	if hasChildren() {
		others = children()
	}
	return others
}

// reap waits for the command, and meanwhile for processes that have lost their
// parents, which would stay as zombies, and returns the command's exit code.
func (c *child) reap() int {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil: // ECHILD, which cannot be
			return exitFailed
		case pid == c.process.Pid:
			c.mu.Lock()
			c.reaped = true
			c.mu.Unlock()
			return statusCode(status)
		}
	}
}

// endLeftBehind ends the processes that the command has left running, in vain
// since there is no proxy any more: with SIGTERM, and after a while with
// SIGKILL. Their children are dvproxy's once they have ended. Those that were
// dvproxy's before are none of its business: a shell that had some may have
// become dvproxy, by exec.
func (c *child) endLeftBehind() {
	const look, polite, longest = 10 * time.Millisecond, 2 * time.Second, 3 * time.Second
	told := map[int]bool{}
	for start := time.Now(); time.Since(start) < longest && hasChildren(); {
		left := slices.DeleteFunc(children(), func(pid int) bool { return slices.Contains(c.others, pid) })
		if len(left) == 0 {
			return
		}
		killing := time.Since(start) > polite
		for _, pid := range left {
			switch {
			case killing:
				_ = syscall.Kill(pid, syscall.SIGKILL)
			case !told[pid]:
				told[pid] = true
				_ = syscall.Kill(pid, syscall.SIGTERM)
			}
		}
		<-time.After(look)
	}
}

// hasChildren reaps those that have ended, and says whether there are others.
func hasChildren() bool {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return false
		}
		if err == nil && pid == 0 {
			return true
		}
	}
}

// children are the processes whose parent dvproxy is. proc(5): stat.
func children() (pids []int) {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid, and the name may hold anything
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 || string(fields[1]) != strconv.Itoa(os.Getpid()) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
