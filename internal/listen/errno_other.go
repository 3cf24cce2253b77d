//go:build !windows

package listen

import "syscall"

const (
	addressInUse   = syscall.EADDRINUSE
	addressMissing = syscall.EADDRNOTAVAIL
	familyMissing  = syscall.EAFNOSUPPORT
	refused        = syscall.ECONNREFUSED
)
