package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
)

// openTCP opens what a TCP address stands for. localhost is 127.0.0.1 and [::1]
// both, since old clients on Windows try [::1] first and lose a second or two
// on each connection; a machine without IPv6 is no error. An address in use on
// either is: another process would receive some of the clients' writes.
func openTCP(ctx context.Context, address string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if host != "localhost" {
		l, err := open(ctx, address)
		if err != nil {
			return nil, err
		}
		return []net.Listener{l}, nil
	}
	const tries = 20 // for port 0: a port that is free for both addresses
	for range tries {
		ls, err := listenBoth(ctx, port)
		if err == nil || port != "0" || !errors.Is(err, addressInUse) {
			return ls, err
		}
	}
	return nil, errors.New("no port is free on both 127.0.0.1 and [::1]")
}

// listenBoth opens a port on both loopback addresses.
func listenBoth(ctx context.Context, port string) ([]net.Listener, error) {
	v4, err := open(ctx, net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	_, port, _ = net.SplitHostPort(v4.Addr().String())
	v6, err := open(ctx, net.JoinHostPort("::1", port))
	switch {
	case err == nil:
		return []net.Listener{v4, v6}, nil
	case errors.Is(err, addressMissing), errors.Is(err, familyMissing):
		return []net.Listener{v4}, nil
	}
	_ = v4.Close()
	return nil, err
}

func open(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if errors.Is(err, addressInUse) {
		return nil, fmt.Errorf("%s is in use by another process; stop that one, or choose another address with listen: %w", address, err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return l, nil
}
