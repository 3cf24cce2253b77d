package supervisor

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

func aceSID(ace *windows.ACCESS_ALLOWED_ACE) *windows.SID {
	return (*windows.SID)(unsafe.Pointer(&ace.SidStart))
}
