package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// CheckSecretFile looks at a file that holds a secret. The error says why it
// cannot be used: missing, unreadable, empty, not a regular file (it is read
// anew at every renewal), or writable by every account. The warning says which
// other accounts can read or change it: Kubernetes mounts secrets as 0644, so
// that alone is no error. Links are followed.
func CheckSecretFile(path string) (warning string, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", errors.New("the file does not exist; put the secret there, or mount it")
	case err != nil:
		return "", noAccess("looked at", err)
	case info.IsDir():
		return "", errors.New("is a folder; name the file in it that holds the secret")
	case !info.Mode().IsRegular():
		return "", errors.New("is not a regular file, which it must be to be read again at each renewal")
	case info.Size() == 0:
		return "", errors.New("the file is empty; put the secret there")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", noAccess("read", err)
	}
	defer f.Close()
	return checkAccess(f)
}

// ReadSecretFile returns the secret in a file as it is now, without the line
// end that editors add. Its errors are those of [CheckSecretFile].
func ReadSecretFile(path string) (Secret, error) {
	data, err := ReadKeyFile(path)
	if err != nil {
		return Secret{}, err
	}
	secret := strings.TrimRight(string(data), "\r\n")
	if secret == "" {
		return Secret{}, errors.New("the file holds no secret yet")
	}
	return NewSecret(secret), nil
}

// ReadKeyFile returns what is in a file that holds a secret, as it is now and
// byte for byte. Its errors are those of [CheckSecretFile].
func ReadKeyFile(path string) ([]byte, error) {
	if _, err := CheckSecretFile(path); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, noAccess("read", err)
	}
	return data, nil
}

// noAccess says, where it is a matter of permissions, how to give them. No
// path is shown: it may be the secret itself, in the wrong place.
func noAccess(what string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("the file cannot be %s: %s; let the account that runs dvproxy read it: %s", what, reason(err), letRead)
	}
	return fmt.Errorf("the file cannot be %s: %s", what, reason(err))
}
