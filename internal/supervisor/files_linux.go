package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// files are what was made, the latest last.
type files struct{ paths []string }

func (f *files) remove() {
	for i := len(f.paths) - 1; i >= 0; i-- {
		_ = os.Remove(f.paths[i])
	}
}

// folder makes a folder. One that is there must be such that nobody but this
// account puts something into it.
func (f *files) folder(path string) error {
	err := os.Mkdir(path, 0o755) //nolint:gosec // G301: the service's account reads its configuration there
	switch {
	case err == nil:
		f.paths = append(f.paths, path)
		return nil
	case !errors.Is(err, fs.ErrExist):
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	const othersWrite = 0o022
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(owner.Uid) != os.Geteuid() || info.Mode()&othersWrite != 0 {
		return fmt.Errorf("%s must be a folder that belongs to root and that nobody else may write to: delete or rename it", path)
	}
	return nil
}

// file makes a file with its mode. It must not be there yet.
func (f *files) file(path string, mode fs.FileMode, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s is there already: install with --config and its name, or delete it", path)
	case err != nil:
		return err
	}
	f.paths = append(f.paths, path)
	_, err = file.Write(content)
	return errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()) // a umask does not count
}
