//go:build unix

package forward

import (
	"errors"
	"net"
	"syscall"
)

// peeker returns a func that says whether the other side has closed a
// connection. It looks without waiting and takes nothing away, while another
// goroutine may be reading.
func peeker(c net.Conn) func() bool {
	system, ok := c.(syscall.Conn)
	if !ok {
		return func() bool { return false }
	}
	raw, err := system.SyscallConn()
	if err != nil {
		return func() bool { return false }
	}
	return func() bool {
		var closed bool
		err := raw.Control(func(fd uintptr) {
			var b [1]byte
			n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			closed = err == nil && n == 0 || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
		})
		return err != nil || closed
	}
}
