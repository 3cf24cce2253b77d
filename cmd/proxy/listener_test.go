package main

import (
	"slices"
	"testing"

	"dvproxy/internal/config"
	"dvproxy/internal/listen"
)

func TestNamesOf(t *testing.T) {
	for _, tt := range []struct {
		listen, public string
		allowed        []string
		want           []string
	}{
		{listen: "localhost:7080", want: []string{"localhost"}},
		{listen: "unix:/run/dvproxy.sock"},
		{listen: ":7080"},
		{listen: "0.0.0.0:7080", allowed: []string{"a", "b:443", "fd00::2", "[fd00::3]:80"}, want: []string{"a", "b", "fd00::2", "fd00::3"}},
		{listen: "10.0.0.5:7080", public: "https://gateway:8443", want: []string{"10.0.0.5", "gateway"}},
		{listen: "[::]:7080", public: "https://a", allowed: []string{"a"}, want: []string{"a"}},
	} {
		c := config.Environment{Listen: tt.listen, PublicURL: tt.public, Guard: config.Guard{AllowedHosts: tt.allowed}}
		if got := namesOf(c); !slices.Equal(got, tt.want) {
			t.Errorf("%s, %s, %q: names %q, want %q", tt.listen, tt.public, tt.allowed, got, tt.want)
		}
	}
}

func TestHostsOf(t *testing.T) {
	c := config.Environment{PublicURL: "https://gateway", Guard: config.Guard{AllowedHosts: []string{"a"}}}
	for _, tt := range []struct {
		in   *listen.Endpoint
		want string
	}{
		{&listen.Endpoint{Host: "localhost", Port: "7080"}, "localhost:7080"},
		{&listen.Endpoint{Host: "localhost", Port: "7080"}, "a:7080"},
		{&listen.Endpoint{Host: "localhost", Port: "7080"}, "gateway"},
		{&listen.Endpoint{Socket: "/run/s"}, "localhost"},
		{&listen.Endpoint{Socket: "/run/s"}, "a"},
	} {
		if got := hostsOf(c, tt.in); !slices.Contains(got, tt.want) {
			t.Errorf("%+v: hosts %q, want %s among them", tt.in, got, tt.want)
		}
	}
}
