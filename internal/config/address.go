package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// address is where something listens or is reached.
type address struct {
	host   string // lower case, no brackets; empty for all of this machine's addresses
	port   uint16 // 0 for any free port
	socket string // path of a Unix socket, in place of the two
}

// parseListen reads the address of a listener. What it returns beside says
// what to write instead, and is empty when text was right.
func parseListen(text string) (a address, problem string) {
	if path, ok := strings.CutPrefix(text, "unix:"); ok {
		return parseSocket(path)
	}
	return parseTCP(text)
}

// longestSocket leaves room in what the systems allow (104 bytes on macOS) for
// the folder in which a socket is made.
const longestSocket = 90

func parseSocket(path string) (a address, problem string) {
	switch {
	case !filepath.IsAbs(path):
		return a, "must name a Unix socket by its absolute path, for example unix:/run/dvproxy/contoso.sock"
	case len(path) > longestSocket:
		return a, "names a Unix socket by a path that is too long; write one of up to " + strconv.Itoa(longestSocket) + " bytes"
	}
	return address{socket: filepath.Clean(path)}, ""
}

// parseTCP is parseListen for an address that can be nothing else.
func parseTCP(text string) (a address, problem string) {
	const remedy = "; write host:port, for example localhost:7080"
	switch {
	case strings.HasPrefix(text, "unix:"):
		return a, "cannot be a Unix socket" + remedy
	case strings.Contains(text, "://"):
		return a, "must be an address and not a URL" + remedy
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return a, "must be a host and a port, an IPv6 address in brackets" + remedy
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return a, "must end in a port from 0 to 65535" + remedy
	}
	host = strings.ToLower(host)
	if host != "" && !validHost(host) {
		return a, "must start with a host name or an IP address" + remedy
	}
	return address{host: host, port: uint16(n)}, ""
}

func (a address) String() string {
	if a.socket != "" {
		return "unix:" + a.socket
	}
	return net.JoinHostPort(a.host, strconv.Itoa(int(a.port)))
}

// loopback reports whether only this machine reaches a.
func (a address) loopback() bool {
	if a.host == "localhost" || a.socket != "" {
		return true
	}
	ip, err := netip.ParseAddr(a.host)
	return err == nil && ip.Unmap().IsLoopback()
}

// everywhere reports whether a stands for all addresses of this machine; Go
// listens on both families for 0.0.0.0 and [::] alike.
func (a address) everywhere() bool {
	ip, err := netip.ParseAddr(a.host)
	return a.host == "" || err == nil && ip.Unmap().IsUnspecified()
}

// overlaps reports whether a connection to a can reach what listens on b.
func (a address) overlaps(b address) bool {
	if a.socket != "" || b.socket != "" {
		return a.socket == b.socket
	}
	if a.port != b.port || a.port == 0 {
		return false
	}
	return a.host == b.host || a.everywhere() || b.everywhere() ||
		a.host == "localhost" && b.loopback() || b.host == "localhost" && a.loopback()
}

// validHost reports whether s, in lower case, is an IP address or can be a host name.
func validHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(s) <= 253
}
