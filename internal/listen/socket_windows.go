package listen

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
)

// makeSocket makes the socket in its place, as there are no permissions to give
// it beforehand: it has those that its folder hands down.
func makeSocket(ctx context.Context, path string, _ Options) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return new(net.ListenConfig).Listen(ctx, "unix", path)
}
