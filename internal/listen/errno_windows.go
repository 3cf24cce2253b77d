package listen

import "golang.org/x/sys/windows"

// Sockets have error numbers of their own on Windows, which are not those of
// package syscall.
const (
	addressInUse   = windows.WSAEADDRINUSE
	addressMissing = windows.WSAEADDRNOTAVAIL
	familyMissing  = windows.WSAEAFNOSUPPORT
	refused        = windows.WSAECONNREFUSED
)
