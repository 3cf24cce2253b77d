package e2e

import (
	"encoding/json"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCurlRefused holds that what a web page could send gets nowhere.
func TestCurlRefused(t *testing.T) {
	b := newCurlBench(t)
	host := strings.TrimPrefix(b.proxy.origin, "http://")
	_, port, _ := net.SplitHostPort(host)
	before := b.tenant.stats(t)
	for _, tt := range []struct {
		in     []string
		want   string
		code   string
		tunnel bool // curl does not show the body
	}{
		{in: []string{"-H", "Host: evil.com", api + "WhoAmI"}, want: "421", code: "host_refused"},
		{in: []string{"-H", "Host: localhost.evil.com:" + port, api + "WhoAmI"}, want: "421", code: "host_refused"},
		{in: []string{"-H", "Host: localhost.:" + port, api + "WhoAmI"}, want: "421", code: "host_refused"},
		{in: []string{"-H", "Host: localhost", api + "WhoAmI"}, want: "421", code: "host_refused"},
		{in: []string{"--http1.0", "-H", "Host: evil.com", api + "WhoAmI"}, want: "421", code: "host_refused"},
		{in: []string{"-x", b.proxy.origin, "http://evil.com/"}, want: "421", code: "host_refused"},
		{in: []string{"-x", b.proxy.origin, "https://evil.com/"}, want: "405", tunnel: true},
		{in: []string{"-X", "TRACE", api + "WhoAmI"}, want: "405", code: "method_refused"},
		{in: []string{"-H", "Origin: https://evil.com", api + "WhoAmI"}, want: "403", code: "origin_refused"},
		{in: []string{"-H", "Origin: null", "-H", "Content-Type: text/plain", "-d", `{"name":"forged"}`, accounts}, want: "403", code: "origin_refused"},
		{in: []string{"-H", "Origin: " + b.proxy.origin, api + "WhoAmI"}, want: "403", code: "origin_refused"},
		{in: []string{"-e", "https://evil.com/page", api + "WhoAmI"}, want: "403", code: "origin_refused"},
		{in: []string{"-H", "Sec-Fetch-Site: cross-site", "-X", "DELETE", accounts + "(1)"}, want: "403", code: "origin_refused"},
	} {
		c := b.do(tt.in...)
		if c.status != tt.want || !slices.Equal(c.fields("Proxy-Status"), []string{"dvproxy; error=http_request_denied"}) {
			t.Errorf("%q: status %s, want %s\n%s", tt.in, c.status, tt.want, c.out)
		}
		var body struct {
			Error struct{ Code, Message string }
		}
		err := json.Unmarshal([]byte(c.body), &body)
		if !tt.tunnel && (err != nil || body.Error.Code != "dvproxy."+tt.code || body.Error.Message == "") {
			t.Errorf("%q: body %q, want an OData error with code %s", tt.in, c.body, tt.code)
		}
	}
	if after := b.tenant.stats(t); after.Requests != before.Requests || after.TokenCalls["issued"] != 1 {
		t.Errorf("%d requests reached Dataverse, for %v token calls", after.Requests-before.Requests, after.TokenCalls)
	}
}

func TestCurlAdmin(t *testing.T) {
	b := newCurlBench(t)
	b.create(`{"name":"counted"}`)
	b.do("-H", "Origin: https://evil.com", accounts).want(t, "403")
	b.inFlight("0") // so that all is counted
	for _, tt := range []struct {
		in   []string
		want string
		body []string // patterns
	}{
		{[]string{"/livez"}, "200", []string{`^ok\n$`}},
		{[]string{"/readyz"}, "200", []string{`"ready": true`, `"name": "127.0.0.1"`}},
		{[]string{"/readyz?environment=127.0.0.1"}, "200", []string{`"ready": true`}},
		{[]string{"/readyz?environment=other"}, "404", []string{`"ready": false`}},
		{[]string{"/status.json"}, "200", []string{`"live": true`, regexp.QuoteMeta(b.proxy.origin), `"renewals": 1`, `"failures": 0`}},
		{[]string{"/metrics"}, "200", []string{
			`(?m)^dvproxy_build_info\{.*\} 1$`,
			`(?m)^dvproxy_token_expiry_timestamp_seconds\{environment="127.0.0.1"\} \d`,
			`(?m)^dvproxy_token_runway_seconds\{environment="127.0.0.1"\} \d`,
			`(?m)^dvproxy_token_renewals_total\{environment="127.0.0.1",result="ok"\} 1$`,
			`(?m)^dvproxy_token_renewal_duration_seconds_count\{environment="127.0.0.1"\} 1$`,
			`(?m)^dvproxy_requests_total\{code="204",environment="127.0.0.1",method="POST"\} 1$`,
			`(?m)^dvproxy_request_duration_seconds_count\{environment="127.0.0.1"\} 1$`,
			`(?m)^dvproxy_upstream_attempts_total\{environment="127.0.0.1",reason="first"\} 1$`,
			`(?m)^dvproxy_requests_in_flight\{environment="127.0.0.1"\} 0$`,
			`(?m)^dvproxy_refused_total\{environment="127.0.0.1",reason="origin_refused"\} 1$`,
		}},
		{[]string{"-H", "Origin: " + b.proxy.admin, "/status.json"}, "200", nil},
		{[]string{"-H", "Origin: https://evil.com", "/status.json"}, "403", []string{"dvproxy.origin_refused"}},
		{[]string{"-H", "Host: evil.com", "/livez"}, "421", []string{"dvproxy.host_refused"}},
		{[]string{"-X", "TRACE", "/livez"}, "405", []string{"dvproxy.method_refused"}},
		{[]string{"/debug/pprof/"}, "404", nil},
		{[]string{"-X", "POST", "/quitquitquit"}, "403", []string{"admin.quit"}},
	} {
		last := len(tt.in) - 1
		c := b.do(append(tt.in[:last:last], b.proxy.admin+tt.in[last])...).want(t, tt.want)
		for _, pattern := range tt.body {
			if !regexp.MustCompile(pattern).MatchString(c.body) {
				t.Errorf("%q: no %s in\n%.3000s", tt.in, pattern, c.body)
			}
		}
		if strings.Contains(c.out, b.tenant.ClientSecret) || strings.Contains(c.out, "eyJ") {
			t.Errorf("%q: a secret or a token in\n%s", tt.in, c.out)
		}
	}
}
