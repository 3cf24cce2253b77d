//go:build unix

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// letRead is the command that lets an account read a file.
const letRead = "chown ACCOUNT FILE && chmod 0400 FILE"

// checkAccess refuses an open file that every account may write, and warns of
// one that others can read or change.
func checkAccess(f *os.File) (warning string, err error) {
	info, err := f.Stat()
	if err != nil {
		return "", noAccess("looked at", err)
	}
	return checkMode(info.Mode())
}

// checkMode is checkAccess of a file with that mode. A group that may write is
// only warned of, since 0664 is what many systems create by default, for a group
// with one member.
func checkMode(mode fs.FileMode) (warning string, err error) {
	perm := mode.Perm()
	switch {
	case perm&0o002 != 0:
		return "", errors.New("every account on this machine may write to the file; take that away with: chmod o-w")
	case perm&0o020 != 0:
		return fmt.Sprintf("the file's group may write to it (mode %04o); if that is not meant: chmod g-w", perm), nil
	case perm&0o004 != 0:
		return fmt.Sprintf("every account on this machine may read the file (mode %04o); if that is not meant: chmod o-r", perm), nil
	}
	return "", nil
}
