package config

import (
	"strings"
	"testing"
)

func TestOrigins(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"https://contoso.crm.dynamics.com", "https://contoso.crm.dynamics.com"},
		{"HTTPS://Contoso.crm.dynamics.com:443/", "https://contoso.crm.dynamics.com"},
		{"https://contoso.crm.dynamics.com:8443", "https://contoso.crm.dynamics.com:8443"},
		{"http://localhost:80", "http://localhost"},
		{"http://127.0.0.2:8080", "http://127.0.0.2:8080"},
		{"http://[::1]:8080/", "http://[::1]:8080"},
		{"https://[2001:DB8::1]", "https://[2001:db8::1]"},
		{"http://example.com", "must start with https://: over http:// the token or the secret would cross the network unencrypted"},
		{"ftp://example.com", "must start with https://"},
		{"example.com", "must be a URL that starts with https:// and a host"},
		{"example.com:443", "must be a URL that starts with https:// and a host"},
		{"", "must be a URL that starts with https:// and a host"},
		{"https://", "must be a URL that starts with https:// and a host"},
		{"https://:443", "does not contain a valid host name; one with letters beyond a-z is written in its xn-- form"},
		{"https://exämple.com", "does not contain a valid host name; one with letters beyond a-z is written in its xn-- form"},
		{"https://a..b", "does not contain a valid host name; one with letters beyond a-z is written in its xn-- form"},
		{"https://[fe80::1%25eth0]", "does not contain a valid host name; one with letters beyond a-z is written in its xn-- form"},
		{"https://example.com:99999", "must have a port from 1 to 65535, or none"},
		{"https://example.com:0", "must have a port from 1 to 65535, or none"},
		{"https://user:pa ss@example.com", "is not a valid URL"},
		{"https://user:password@example.com", "must not contain a user name or password; how dvproxy signs in is set under credential"},
		{"https://example.com/#x", "must not contain a #"},
		{"https://example.com/main.aspx?appid=1", "must be the origin alone, without a path or query: https://example.com"},
		{"https://example.com?", "must be the origin alone, without a path or query: https://example.com"},
	} {
		o, got := parseOrigin(row.in)
		if got == "" {
			got = o.String()
		}
		if got != row.want {
			t.Errorf("%q: got %q, want %q", row.in, got, row.want)
		}
	}
}

func TestLabels(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"https://contoso.crm.dynamics.com", "contoso"},
		{"http://localhost:8080", "localhost"},
		{"http://127.0.0.1:8080", "127.0.0.1"},
		{"http://[::1]:8080", "::1"},
	} {
		if o, _ := parseOrigin(row.in); o.label() != row.want {
			t.Errorf("%q: got %q, want %q", row.in, o.label(), row.want)
		}
	}
}

func TestListen(t *testing.T) {
	const remedy = "; write host:port, for example localhost:7080"
	for _, row := range []struct{ in, want string }{
		{"Localhost:7080", "localhost:7080"},
		{"localhost:0", "localhost:0"},
		{"[::1]:7080", "[::1]:7080"},
		{":7080", ":7080"},
		{"host.example:1", "host.example:1"},
		{"7080", "must be a host and a port, an IPv6 address in brackets" + remedy},
		{"::1:7080", "must be a host and a port, an IPv6 address in brackets" + remedy},
		{"localhost", "must be a host and a port, an IPv6 address in brackets" + remedy},
		{"localhost:", "must end in a port from 0 to 65535" + remedy},
		{"localhost:http", "must end in a port from 0 to 65535" + remedy},
		{"localhost:65536", "must end in a port from 0 to 65535" + remedy},
		{"*:7080", "must start with a host name or an IP address" + remedy},
		{"http://localhost:7080", "must be an address and not a URL" + remedy},
		{"unix:/run/dvproxy/../dvproxy.sock", "unix:/run/dvproxy.sock"},
		{"unix:dvproxy.sock", "must name a Unix socket by its absolute path, for example unix:/run/dvproxy/contoso.sock"},
		{"unix:@dvproxy", "must name a Unix socket by its absolute path, for example unix:/run/dvproxy/contoso.sock"},
		{"unix:", "must name a Unix socket by its absolute path, for example unix:/run/dvproxy/contoso.sock"},
		{"unix:/" + strings.Repeat("x", 90), "names a Unix socket by a path that is too long; write one of up to 90 bytes"},
	} {
		a, got := parseListen(row.in)
		if got == "" {
			got = a.String()
		}
		if got != row.want {
			t.Errorf("%q: got %q, want %q", row.in, got, row.want)
		}
	}
}

func TestOverlaps(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want bool
	}{
		{"localhost:1", "localhost:1", true},
		{"localhost:1", "localhost:2", false},
		{"localhost:0", "localhost:0", false},
		{"localhost:1", "127.0.0.1:1", true},
		{"localhost:1", "[::1]:1", true},
		{"127.0.0.1:1", "[::1]:1", false},
		{"0.0.0.0:1", "[::1]:1", true},
		{":1", "10.0.0.1:1", true},
		{"localhost:1", "10.0.0.1:1", false},
		{"unix:/a", "unix:/a", true},
		{"unix:/a", "unix:/b", false},
		{"unix:/a", ":0", false},
	} {
		a, _ := parseListen(row.a)
		b, _ := parseListen(row.b)
		if a.overlaps(b) != row.want || b.overlaps(a) != row.want {
			t.Errorf("%s and %s: want %v", row.a, row.b, row.want)
		}
	}
}
