package listen

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"time"
)

// openSocket makes a Unix socket at a path, unless something lives there.
func openSocket(ctx context.Context, path string, o Options) (net.Listener, error) {
	if err := checkPlace(ctx, path); err != nil {
		return nil, err
	}
	l, err := makeSocket(ctx, path, o)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("its folder is not there; make it, writable for dvproxy's account: %w", err)
	}
	return l, err
}

// checkPlace wants nothing at a path, or a socket on which nobody listens any
// more. Only a refused connection tells that: one that is not permitted or finds
// the queue full has met somebody.
func checkPlace(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSocket == 0:
		return errors.New("there is something else at that path, which dvproxy does not remove; move it away, or choose another path with listen")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	switch {
	case err == nil:
		_ = conn.Close()
		return errors.New("it is in use by another process; stop that one, or choose another path with listen")
	case errors.Is(err, refused):
		return nil
	}
	return fmt.Errorf("it may be in use by another process; stop that one, or remove the socket: %w", err)
}
