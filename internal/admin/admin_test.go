package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/admin"
)

var expires = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

// handler shows two environments, of which the second holds no token.
func handler(m *admin.Metrics) http.Handler {
	return admin.New(admin.Options{
		Metrics: m, Version: "v1", Started: time.Now(),
		Environments: []admin.Environment{
			{Name: "a", URL: "https://a.crm.dynamics.com", Listen: "http://localhost:7080", Token: func() admin.Token {
				return admin.Token{Live: true, Expires: expires, Runway: 90 * time.Second, Renews: expires, Renewals: 3, Failures: 1}
			}},
			{Name: "b", Token: func() admin.Token { return admin.Token{LastError: "sign-in refused"} }},
		},
	})
}

// get asks as a connection between two addresses.
func get(h http.Handler, local, remote, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.RemoteAddr = remote
	addr, _ := net.ResolveTCPAddr("tcp", local)
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(addr)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAnswers(t *testing.T) {
	h := handler(admin.NewMetrics("v1", "go1"))
	tests := []struct {
		target string
		want   int
		body   string // in the body
	}{
		{"/livez", 200, "ok"},
		{"/readyz", 503, `"ready": false`},
		{"/readyz?environment=a", 200, `"token_expires": "2026-11-24T04:00:00Z"`},
		{"/readyz?environment=b", 503, `"error": "sign-in refused"`},
		{"/readyz?environment=c", 404, `"ready": false`},
		{"/status.json", 200, `"runway_seconds": 90`},
		{"/metrics", 200, `dvproxy_build_info{go_version="go1",version="v1"} 1`},
		{"/", 200, `<span class="good">alive</span> for 1m30s more`},
		{"/", 200, "latest renewal failed: sign-in refused"},
		{"/debug/pprof/", 404, ""},
	}
	for _, tt := range tests {
		w := get(h, "127.0.0.1:7081", "127.0.0.1:5000", tt.target)
		if w.Code != tt.want || !strings.Contains(w.Body.String(), tt.body) {
			t.Errorf("%s: %d %s\nwant %d with %s", tt.target, w.Code, w.Body, tt.want, tt.body)
		}
		if strings.HasSuffix(tt.target, ".json") && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: not JSON", tt.target)
		}
	}
}

// The page shows texts of others as texts, and has nothing run or fetched.
func TestPageIsInert(t *testing.T) {
	h := admin.New(admin.Options{
		Metrics: admin.NewMetrics("v1", "go1"), Started: time.Now().Add(-26 * time.Hour),
		Environments: []admin.Environment{{Name: "a", Token: func() admin.Token {
			return admin.Token{Live: true, Runway: 61 * time.Minute, Renews: time.Now().Add(90 * time.Second), LastError: "<script>alert(1)</script>"}
		}}},
	})
	w := get(h, "127.0.0.1:7081", "127.0.0.1:5000", "/")
	body := w.Body.String()
	for _, want := range []string{"&lt;script&gt;", "for 1h1m more", "in 1m30s", "up 26h0m", `<span class="good">ready</span>`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q:\n%s", want, body)
		}
	}
	if policy := w.Header().Get("Content-Security-Policy"); strings.Contains(body, "<script") || !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("a script may run: policy %q", policy)
	}
	if w := get(h, "10.0.0.5:7081", "10.0.0.6:5000", "/"); w.Code != http.StatusForbidden {
		t.Errorf("another machine is answered %d", w.Code)
	}
}

// Another machine is shown probes and metrics, for any Host, and no more.
func TestConnectionsFromElsewhere(t *testing.T) {
	h := handler(admin.NewMetrics("v1", "go1"))
	tests := []struct {
		local, remote, target string
		want                  int
		probe                 bool
	}{
		{"10.0.0.5:7081", "10.0.0.1:5000", "/livez", 200, true},
		{"10.0.0.5:7081", "10.0.0.1:5000", "/metrics", 200, true},
		{"10.0.0.5:7081", "10.0.0.1:5000", "/status.json", 403, false},
		{"10.0.0.5:7081", "127.0.0.1:5000", "/status.json", 403, false},
		{"127.0.0.1:7081", "10.0.0.1:5000", "/status.json", 403, false},
		{"[::1]:7081", "[::1]:5000", "/status.json", 200, false},
		{"127.0.0.1:7081", "127.0.0.1:5000", "/readyz", 503, false},
	}
	for _, tt := range tests {
		if w := get(h, tt.local, tt.remote, tt.target); w.Code != tt.want {
			t.Errorf("%s from %s at %s: %d, want %d", tt.target, tt.remote, tt.local, w.Code, tt.want)
		}
		r := httptest.NewRequest(http.MethodGet, tt.target, nil)
		r.RemoteAddr = tt.remote
		addr, _ := net.ResolveTCPAddr("tcp", tt.local)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(addr)))
		if admin.IsProbe(r) != tt.probe {
			t.Errorf("%s from %s at %s: a probe: %v", tt.target, tt.remote, tt.local, !tt.probe)
		}
	}
}

// An environment of a configuration that is refused, and so never served, is not
// seen, and one that is served from its start.
func TestMetricsBeginWhenShown(t *testing.T) {
	m := admin.NewMetrics("v1", "go1")
	e := m.Environment("a")
	page := func() string { return get(handler(m), "127.0.0.1:7081", "127.0.0.1:5000", "/metrics").Body.String() }
	if strings.Contains(page(), `environment="a"`) {
		t.Error("it is seen before it is served")
	}
	e.Show(&admin.Values{
		Token: func() admin.Token { return admin.Token{} },
		Links: func() (requests, responses uint64) { return 0, 0 },
	})
	for _, want := range []string{
		`dvproxy_token_renewals_total{environment="a",result="error"} 0`,
		`dvproxy_token_renewal_duration_seconds_count{environment="a"} 0`,
		`dvproxy_request_duration_seconds_count{environment="a"} 0`,
		`dvproxy_requests_in_flight{environment="a"} 0`,
		`dvproxy_requests_held{environment="a",reason="throttled"} 0`,
		`dvproxy_held_seconds_total{environment="a",reason="token"} 0`,
		`dvproxy_refused_total{environment="a",reason="read_only"} 0`,
	} {
		if !strings.Contains(page(), want) {
			t.Errorf("there is no %s", want)
		}
	}
}

func TestMetrics(t *testing.T) {
	m := admin.NewMetrics("v1", "go1")
	e := m.Environment("a")
	none := func() admin.Token { return admin.Token{} }
	noLinks := func() (requests, responses uint64) { return 0, 0 }
	e.Show(&admin.Values{
		Token:       func() admin.Token { return admin.Token{Expires: expires, Runway: time.Minute} },
		Links:       func() (requests, responses uint64) { return 3, 5 },
		Certificate: func() time.Time { return expires },
	})
	m.Environment("b").Show(&admin.Values{Token: none, Links: noLinks, Certificate: func() time.Time { return time.Time{} }})
	e.Renewal(time.Second, nil)
	e.Renewal(time.Second, errors.New("no"))
	e.Started()
	e.Started()
	e.Finished("POST", 204, time.Second)
	e.Attempt("unauthorized")
	e.Holding("token")
	e.Held("token", 1500*time.Millisecond)
	e.Holding("throttled")
	e.Refused("host_refused")
	body := get(handler(m), "127.0.0.1:7081", "127.0.0.1:5000", "/metrics").Body.String()
	for _, want := range []string{
		`dvproxy_token_expiry_timestamp_seconds{environment="a"} 1.7954928e+09`,
		`dvproxy_token_runway_seconds{environment="a"} 60`,
		`dvproxy_token_renewals_total{environment="a",result="ok"} 1`,
		`dvproxy_token_renewals_total{environment="a",result="error"} 1`,
		`dvproxy_token_renewal_duration_seconds_count{environment="a"} 2`,
		`dvproxy_requests_in_flight{environment="a"} 1`,
		`dvproxy_requests_total{code="204",environment="a",method="POST"} 1`,
		`dvproxy_request_duration_seconds_count{environment="a"} 1`,
		`dvproxy_upstream_attempts_total{environment="a",reason="unauthorized"} 1`,
		`dvproxy_held_seconds_total{environment="a",reason="token"} 1.5`,
		`dvproxy_requests_held{environment="a",reason="throttled"} 1`,
		`dvproxy_requests_held{environment="a",reason="token"} 0`,
		`dvproxy_held_seconds_total{environment="a",reason="concurrency"} 0`,
		`dvproxy_refused_total{environment="a",reason="host_refused"} 1`,
		`dvproxy_certificate_expiry_timestamp_seconds{environment="a"} 1.7954928e+09`,
		`dvproxy_certificate_expiry_timestamp_seconds{environment="b"} 0`,
		`dvproxy_links_mapped_total{direction="request",environment="a"} 3`,
		`dvproxy_links_mapped_total{direction="response",environment="a"} 5`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("there is no %s in\n%s", want, body)
		}
	}
}
