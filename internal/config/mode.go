package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Mode is the permissions of a file, as chmod takes them.
type Mode fs.FileMode

// String is the mode in octal: 0600.
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// MarshalText is [Mode.String].
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// ParseMode reads permissions in octal, with or without a leading 0 or 0o: 0660,
// 660, 0o660. What is above 0777 is an error.
func ParseMode(text string) (Mode, error) {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "0o"), 8, 32)
	if err != nil || n > 0o777 {
		return 0, errors.New("not permissions in octal, from 0000 to 0777")
	}
	return Mode(n), nil
}
