package guard

import (
	"net"
	"slices"
	"strings"
)

// loopback are the names by which every listener is called.
var loopback = []string{"localhost", "127.0.0.1", "[::1]"}

// Hosts are the values of Host that a listener answers to, in lower case:
// localhost, 127.0.0.1, [::1] and the listen host, each with the port; and the
// allowed ones, each with its own port if it has one and the listener's
// otherwise. Where the port is the scheme's default (80, or 443 with TLS) the
// names stand alone too. ListenHost may be empty or an unspecified address.
func Hosts(listenHost, port string, tls bool, allowed []string) []string {
	names := slices.Clone(loopback)
	if ip := net.ParseIP(strings.Trim(listenHost, "[]")); listenHost != "" && (ip == nil || !ip.IsUnspecified()) {
		names = append(names, bracketed(listenHost))
	}
	var hosts []string
	add := func(name, port string) {
		name = strings.ToLower(name)
		hosts = append(hosts, name+":"+port)
		if (port == "80" && !tls) || (port == "443" && tls) {
			hosts = append(hosts, name)
		}
	}
	for _, name := range names {
		add(name, port)
	}
	for _, entry := range allowed {
		if host, own, err := net.SplitHostPort(entry); err == nil {
			add(bracketed(host), own)
		} else {
			add(bracketed(entry), port)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// bracketed writes an IPv6 address as Host does.
func bracketed(host string) string {
	host = strings.Trim(host, "[]")
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
