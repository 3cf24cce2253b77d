//go:build !windows

package listen

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
)

// A socket is a Unix socket's listener, which takes its file along when it goes.
type socket struct {
	*net.UnixListener
	path string
	made fs.FileInfo // tells our file from one that has taken its place
	once sync.Once
}

// makeSocket makes the socket in a folder that nobody else can open, gives it
// its group and mode, and moves it to its path, over a stale one if need be. So
// it is never more open than it shall be.
func makeSocket(ctx context.Context, path string, o Options) (net.Listener, error) {
	gid, err := groupID(o.SocketGroup)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".") // a short name, as such paths are bounded
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	private := filepath.Join(dir, "s")
	l, err := new(net.ListenConfig).Listen(ctx, "unix", private)
	if err != nil {
		return nil, err
	}
	s := &socket{UnixListener: l.(*net.UnixListener), path: path}
	s.SetUnlinkOnClose(false)
	if err := s.publish(private, gid, o.SocketMode); err != nil {
		_ = s.UnixListener.Close()
		return nil, err
	}
	return s, nil
}

func (s *socket) publish(private string, gid int, mode fs.FileMode) error {
	if mode == 0 {
		mode = 0o600
	}
	if gid >= 0 {
		if err := os.Chown(private, -1, gid); err != nil {
			return fmt.Errorf("dvproxy's account may not give it to socket_group; add the account to that group: %w", err)
		}
	}
	if err := os.Chmod(private, mode); err != nil {
		return err
	}
	var err error
	if s.made, err = os.Lstat(private); err != nil {
		return err
	}
	return os.Rename(private, s.path)
}

// groupID is the number of a group; -1 for none.
func groupID(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	if id, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(id), nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("socket_group: %w", err)
	}
	return strconv.Atoi(g.Gid)
}

// Addr is where the socket is now.
func (s *socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// Close removes the file, if it is still ours, and stops listening.
func (s *socket) Close() error {
	s.once.Do(func() {
		if there, err := os.Lstat(s.path); err == nil && os.SameFile(there, s.made) {
			_ = os.Remove(s.path)
		}
	})
	return s.UnixListener.Close()
}
