//go:build unix

package tokenstore_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What other accounts, or this one by mistake, can put in an entry's place.
func TestHostileFiles(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(d *disk, path string) error
		want   string
	}{
		"a link to the entry": {func(d *disk, path string) error {
			if err := os.Rename(path, path+".real"); err != nil {
				return err
			}
			return os.Symlink(filepath.Base(path)+".real", path)
		}, "is not a regular file"},
		"a link that leads nowhere": {func(_ *disk, path string) error {
			_ = os.Remove(path)
			return os.Symlink("/nonexistent/file", path)
		}, "is not a regular file"},
		"a link to a device": {func(_ *disk, path string) error {
			_ = os.Remove(path)
			return os.Symlink("/dev/zero", path)
		}, "is not a regular file"},
		"a pipe": {func(_ *disk, path string) error {
			_ = os.Remove(path)
			return syscall.Mkfifo(path, 0o600)
		}, "is not a regular file"},
		"readable by others":    {func(_ *disk, path string) error { return os.Chmod(path, 0o604) }, "is open to other accounts (mode 0604); close it with: chmod 600"},
		"writable by the group": {func(_ *disk, path string) error { return os.Chmod(path, 0o620) }, "is open to other accounts (mode 0620)"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDisk(t)
			s := d.store("s")
			s.Save(entry("t"))
			path := d.file()
			if err := tt.change(d, path); err != nil {
				t.Fatal(err)
			}
			soon(t, func() { d.wants(s, "", name) })
			d.warnings(1, tt.want)
			soon(t, func() { s.Save(entry("next")) })
			d.wants(s, "next", "replaced")
			d.warnings(1, tt.want)
			if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Mode().Perm() != 0o600 {
				t.Errorf("%s is %v, %v after it was replaced", path, info, err)
			}
		})
	}
}

// soon fails the test if f does not end, as when it waits for a pipe.
func soon(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("hangs")
	}
}

// Nothing is read or written in a folder that is not this account's alone.
func TestHostileFolders(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(d *disk, elsewhere string) error
		want   string
	}{
		"every account may write": {func(d *disk, _ string) error { return os.Chmod(d.tokens(), 0o777) }, "is open to other accounts (mode 0777); close it with: chmod 700"},
		"the group may look":      {func(d *disk, _ string) error { return os.Chmod(d.tokens(), 0o750) }, "is open to other accounts (mode 0750)"},
		"a link elsewhere": {func(d *disk, elsewhere string) error {
			if err := os.Rename(d.tokens(), filepath.Join(elsewhere, "tokens")); err != nil {
				return err
			}
			return os.Symlink(filepath.Join(elsewhere, "tokens"), d.tokens())
		}, "or is a link to one; remove it"},
		"a link to a folder beside it": {func(d *disk, _ string) error {
			if err := os.Rename(d.tokens(), d.tokens()+"2"); err != nil {
				return err
			}
			return os.Symlink("tokens2", d.tokens())
		}, "or is a link to one; remove it"},
		"a pipe": {func(d *disk, _ string) error {
			_ = os.RemoveAll(d.tokens())
			return syscall.Mkfifo(d.tokens(), 0o600)
		}, "is not a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			d, elsewhere := newDisk(t), t.TempDir()
			s := d.store("s")
			s.Save(entry("t"))
			if err := tt.change(d, elsewhere); err != nil {
				t.Fatal(err)
			}
			before := tree(t, d.dir) + tree(t, elsewhere)
			soon(t, func() {
				d.wants(s, "", name)
				s.Save(entry("next"))
				s.Forget("t")
			})
			d.warnings(3, tt.want)
			if after := tree(t, d.dir) + tree(t, elsewhere); after != before {
				t.Errorf("something was changed:\n%s\nwas:\n%s", after, before)
			}
		})
	}
}

// A state_dir that is a link, or open to others as Kubernetes makes a volume, is
// the operator's choice.
func TestStateDirItself(t *testing.T) {
	d := newDisk(t)
	real := t.TempDir()
	if err := os.Chmod(real, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, d.dir); err != nil {
		t.Fatal(err)
	}
	d.store("s").Save(entry("t"))
	d.wants(d.store("s"), "t", "by a link")
	d.warnings(0, "")
}

func TestForeignOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	d := newDisk(t)
	s := d.store("s")
	s.Save(entry("t"))
	if err := os.Chown(d.file(), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	d.wants(s, "", "another's file")
	d.warnings(1, "belongs to account 65534 and not to this one, 0; remove it")
	s.Save(entry("next"))
	d.wants(s, "next", "replaced")

	d.log.Reset()
	if err := os.Chown(d.tokens(), 65534, 65534); err != nil {
		t.Fatal(err)
	}
	d.wants(s, "", "another's folder")
	d.warnings(1, "belongs to account 65534")
}

// A full or read-only disk is a warning, and leaves no trace.
func TestDiskThatTakesNothing(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	d := newDisk(t)
	d.store("s").Save(entry("t"))
	path := d.file()
	long := entry(strings.Repeat("x", 100<<10))
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	d.store("s").Save(long)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	d.warnings(1, "write it")
	if d.file() != path {
		t.Error("another file is there")
	}
	d.wants(d.store("s"), "t", "after a failed save")
}

// tree lists a folder and what is in it.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		b.WriteString(path + " " + info.Mode().String() + " " + info.ModTime().String() + "\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
