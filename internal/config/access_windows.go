package config

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// letRead is the command that lets an account read a file.
const letRead = `icacls FILE /grant "ACCOUNT:R"`

// checkAccess refuses an open file that every account may write, and warns of
// one that every account may read. One whose access list cannot be had, as on some
// network drives, is only warned of.
func checkAccess(f *os.File) (warning string, err error) {
	descriptor, err := windows.GetSecurityInfo(windows.Handle(f.Fd()), windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return "who else may read or change the file cannot be found out: " + reason(err), nil
	}
	return judge(bytesOf(descriptor))
}

// bytesOf is a security descriptor as it lies in memory, which is self-relative
// where the system returned it.
func bytesOf(d *windows.SECURITY_DESCRIPTOR) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(d)), d.Length()) //nolint:gosec // G103: the structure is of any length
}
