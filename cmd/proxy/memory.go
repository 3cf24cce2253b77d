package main

import (
	"io/fs"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// bodyBudget is the memory for kept request bodies of the whole process, where
// there is plenty.
const bodyBudget = 16 << 20

// fitMemory tells the garbage collector of the limit that a container or a unit
// sets, and returns how much of that is for kept bodies. The collector otherwise
// lets the heap grow to twice what is in use, and the kernel kills the process. A
// quarter is left for what Go does not count: the program's own pages and the
// kernel's buffers. Whoever sets GOMEMLIMIT knows better.
func fitMemory(root fs.FS) int64 {
	limit := memoryLimit(root)
	if limit == 0 {
		return bodyBudget
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit / 4 * 3)
	}
	return min(bodyBudget, limit/4)
}

// memoryLimit is the least of what this process's control groups and those around
// them allow, in bytes; 0 for no limit. Both of Linux's hierarchies are looked at;
// other systems have no such files. cgroups(7)
func memoryLimit(root fs.FS) (least int64) {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(groups)) {
		// A line is id:controllers:path; version 2 names no controllers.
		_, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, _ := strings.Cut(rest, ":")
		top, file := "sys/fs/cgroup", "memory.max"
		if controllers != "" {
			if !slices.Contains(strings.Split(controllers, ","), "memory") {
				continue
			}
			top, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		for dir := path.Join(top, path.Clean("/"+group)); ; dir = path.Dir(dir) {
			if n := readLimit(root, path.Join(dir, file)); n > 0 && (least == 0 || n < least) {
				least = n
			}
			if dir == top {
				break
			}
		}
	}
	return least
}

// readLimit is the number in a file; 0 if there is none, or one so high that it
// means that there is no limit.
func readLimit(root fs.FS, name string) int64 {
	const unlimited = 1 << 50
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || n >= unlimited {
		return 0
	}
	return n
}
