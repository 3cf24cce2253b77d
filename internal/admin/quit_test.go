package admin_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dvproxy/internal/admin"
)

func TestQuit(t *testing.T) {
	const loopback, elsewhere = "127.0.0.1:5000", "10.0.0.1:5000"
	tests := []struct {
		name          string
		method        string
		local, remote string
		allowed       bool
		want          int
		body          string // in the body
	}{
		{"allowed", "POST", loopback, loopback, true, 200, "draining"},
		{"not allowed", "POST", loopback, loopback, false, 403, "admin.quit: true"},
		{"GET", "GET", loopback, loopback, true, 405, ""},
		{"PUT", "PUT", loopback, loopback, true, 405, ""},
		{"from elsewhere", "POST", loopback, elsewhere, true, 403, "only for connections from this machine"},
		{"to elsewhere", "POST", elsewhere, loopback, true, 403, "only for connections from this machine"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			asked, answered := 0, false
			w := httptest.NewRecorder()
			o := admin.Options{Metrics: admin.NewMetrics("v1", "go1")}
			if tt.allowed {
				o.Quit = func() { asked++; answered = w.Flushed && w.Body.String() == "draining\n" }
			}
			r := httptest.NewRequest(tt.method, "/quitquitquit", strings.NewReader("x"))
			r.RemoteAddr = tt.remote
			addr, _ := net.ResolveTCPAddr("tcp", tt.local)
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(addr)))
			admin.New(o).ServeHTTP(w, r)
			if w.Code != tt.want || !strings.Contains(w.Body.String(), tt.body) {
				t.Errorf("%d %s, want %d with %s", w.Code, w.Body, tt.want, tt.body)
			}
			if told := tt.want == 200; asked != map[bool]int{true: 1}[told] || answered != told {
				t.Errorf("told to stop %d times, after its answer: %v", asked, answered)
			}
		})
	}
}

// What is about to stop is not ready, so that nobody new is sent to it.
func TestNotReadyWhileDraining(t *testing.T) {
	draining := false
	h := admin.New(admin.Options{
		Metrics:      admin.NewMetrics("v1", "go1"),
		Environments: []admin.Environment{{Name: "a", Token: func() admin.Token { return admin.Token{Live: true} }}},
		Draining:     func() bool { return draining },
	})
	for _, want := range []int{200, 503} {
		if w := get(h, "127.0.0.1:7081", "127.0.0.1:5000", "/readyz"); w.Code != want {
			t.Errorf("draining %v: %d %s", draining, w.Code, w.Body)
		}
		if w := get(h, "127.0.0.1:7081", "127.0.0.1:5000", "/livez"); w.Code != 200 {
			t.Errorf("draining %v: /livez %d", draining, w.Code)
		}
		draining = true
	}
}
