package e2e

import (
	"net/http"
	"testing"

	"dvproxy/internal/simulator"
)

// Environments with one credential and scope share a token; others do not.
func TestEnvironmentsShareAToken(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	file := newFolder(t).write(t, "secret", []byte(s.ClientSecret()))
	ways := []way{
		{"one", "client_secret: " + s.ClientSecret()},
		{"same", "client_secret: " + s.ClientSecret()},
		{"file", "client_secret_file: " + file},
		{"scope", "client_secret: " + s.ClientSecret() + "\nscope: " + s.DataverseURL + "//.default"},
	}
	for _, tt := range []struct {
		ways []way
		want int // token calls
	}{
		{ways[:1], 1},
		{ways[:2], 1},
		{ways, 3},
	} {
		s.ResetStats()
		p, origins := startWays(t, s, tt.ways)
		p.ready(t)
		c := newClient(t)
		for name, origin := range origins {
			if o := send(t, c, "GET", origin+"/api/data/v9.2/WhoAmI", nil); o.status != http.StatusOK {
				t.Errorf("%s: %v", name, o)
			}
		}
		stats := s.Stats()
		if stats.TokenCalls["issued"] != tt.want || tokenCalls(s) != tt.want || stats.Requests != len(tt.ways) || len(origins) != len(tt.ways) {
			t.Errorf("%d environments: token calls %v, want %d; %d requests", len(origins), stats.TokenCalls, tt.want, stats.Requests)
		}
		p.kill()
	}
}
