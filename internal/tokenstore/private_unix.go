//go:build unix

package tokenstore

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// dontWait keeps the opening of a pipe from waiting for its other end.
const dontWait = syscall.O_NONBLOCK

// checkPrivate wants a file or folder to belong to this account and to be open
// to no other. The error says what to do.
func checkPrivate(path string, info fs.FileInfo, remedy string) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to account %d and not to this one, %d; remove it", path, stat.Uid, os.Geteuid())
	}
	if perm := info.Mode().Perm(); perm&0o077 != 0 {
		return fmt.Errorf("%s is open to other accounts (mode %04o); close it with: %s %s", path, perm, remedy, path)
	}
	return nil
}
