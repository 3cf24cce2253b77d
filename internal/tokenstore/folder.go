package tokenstore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	subfolder = "tokens"
	suffix    = ".token"
	temporary = ".new-" // begins the name of a file that is being written
)

// A folder is the open one that entries are in. All access goes by its handle,
// so nobody can put another in its place meanwhile.
type folder struct {
	root *os.Root
}

// openFolder opens the folder for entries below dir, and makes both if create
// says so. dir itself is named by the operator and may be a link; what is below
// may not. The error is [fs.ErrNotExist] if there is none.
func openFolder(dir string, create bool) (*folder, error) {
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder: %w", err)
		}
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", dir) // opening a pipe would wait
	}
	parent, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	if create {
		if err := parent.Mkdir(subfolder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make the folder: %w", err)
		}
	}
	named, err := parent.Lstat(subfolder)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, subfolder)
	if !named.IsDir() {
		return nil, fmt.Errorf("%s is not a folder, or is a link to one; remove it", path)
	}
	root, err := parent.OpenRoot(subfolder)
	if err != nil {
		return nil, err
	}
	opened, err := root.Stat(".")
	if err == nil {
		err = checkOpened(path, named, opened, "chmod 700")
	}
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return &folder{root}, nil
}

// errReplaced is a file that another process has put a newer one in place of,
// between two looks at it.
var errReplaced = errors.New("was replaced while it was opened")

// checkOpened wants what was opened to be what had the name, which was no link,
// and for this account alone.
func checkOpened(path string, named, opened fs.FileInfo, remedy string) error {
	if !os.SameFile(named, opened) {
		return fmt.Errorf("%s %w", path, errReplaced)
	}
	return checkPrivate(path, opened, remedy)
}

func (f *folder) close() { _ = f.root.Close() }

// entry reads the entry of a key. The error is [fs.ErrNotExist] if there is none.
func (f *folder) entry(key sealer) (Entry, error) {
	data, err := f.read(key.name(), maxSize)
	if err != nil {
		return Entry{}, err
	}
	e, err := key.open(data)
	if err != nil {
		return Entry{}, fmt.Errorf("%s %w", f.path(key.name()), err)
	}
	return e, nil
}

func (f *folder) path(name string) string { return filepath.Join(f.root.Name(), name) }

// read returns up to limit bytes of a file, which must be a regular one of this
// account's. It neither follows a link nor waits for the other end of a pipe. A
// file that is replaced meanwhile, as other processes do, is looked at again.
func (f *folder) read(name string, limit int64) (data []byte, err error) {
	const tries = 50
	for range tries {
		if data, err = f.readOnce(name, limit); !errors.Is(err, errReplaced) {
			break
		}
	}
	return data, err
}

func (f *folder) readOnce(name string, limit int64) ([]byte, error) {
	named, err := f.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", f.path(name))
	}
	file, err := f.root.OpenFile(name, os.O_RDONLY|dontWait, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	opened, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkOpened(f.path(name), named, opened, "chmod 600"); err != nil {
		return nil, err
	}
	if opened.Size() > maxSize {
		return nil, fmt.Errorf("%s is over %d KiB", f.path(name), maxSize>>10)
	}
	return io.ReadAll(io.LimitReader(file, limit))
}

// write puts data in place of what has the name, whatever that is: first under
// another name, then flushed, then renamed, so that a crash leaves the one or
// the other whole.
func (f *folder) write(name string, data []byte) error {
	temp := randomName()
	file, err := f.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write it: %w", err)
	}
	_, err = file.Write(data)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		_ = f.root.Remove(temp)
		return fmt.Errorf("write it: %w", err)
	}
	if info, err := f.root.Lstat(name); err == nil && info.IsDir() {
		_ = f.root.RemoveAll(name) // which a rename does not replace
	}
	if err := f.root.Rename(temp, name); err != nil {
		_ = f.root.Remove(temp)
		return fmt.Errorf("write it: %w", err)
	}
	f.sync()
	return nil
}

func (f *folder) remove(name string) error {
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f.sync()
	return nil
}

// sync flushes the names in the folder. Not every file system and not Windows
// can; there a name may be lost with the power, which costs a fetch.
func (f *folder) sync() {
	if dir, err := f.root.Open("."); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}
