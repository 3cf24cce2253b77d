package lifetime

import (
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want time.Duration // 0: refused
		span string
	}{
		{"5h", 5 * time.Hour, "05:00:00"},
		{"05:00:00", 5 * time.Hour, "05:00:00"},
		{"5:00:00", 5 * time.Hour, "05:00:00"},
		{"1h30m", 90 * time.Minute, "01:30:00"},
		{"90m", 90 * time.Minute, "01:30:00"},
		{"10m", Shortest, "00:10:00"},
		{"00:10:01", 10*time.Minute + time.Second, "00:10:01"},
		{"24h", Longest, "23:59:59"},
		{"24:00:00", Longest, "23:59:59"},
		{"1.00:00:00", Longest, "23:59:59"},
		{"23:59:59", Longest - time.Second, "23:59:59"},
		{"5", 0, ""},
		{"25h", 0, ""},
		{"24h0m1s", 0, ""},
		{"9m", 0, ""},
		{"9m59s", 0, ""},
		{"-1h", 0, ""},
		{"1.06:00:00", 0, ""},
		{"00:90:00", 0, ""},
		{"5h0.5s", 0, ""},
		{"99999999999h", 0, ""},
		{"", 0, ""},
		{"five", 0, ""},
	} {
		got, err := Parse(tt.in)
		if got != tt.want || (err == nil) != (tt.want > 0) {
			t.Errorf("Parse(%q) = %v, %v", tt.in, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), "from 10m to 24h") {
			t.Errorf("Parse(%q) does not say the bounds: %v", tt.in, err)
		}
		if err == nil && Span(got) != tt.span {
			t.Errorf("Span(%v) = %s, want %s", got, Span(got), tt.span)
		}
	}
}

// What is taken can be written in a definition, and reads as the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"5h", "05:00:00", "1.00:00:00", "24h", "1.06:00:00", "-1h", "5", "00:10:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(s)
		if err != nil {
			return
		}
		if d < Shortest || d > Longest {
			t.Fatalf("%q gives %v", s, d)
		}
		back, ok := parseSpan(Span(d))
		if !ok || back != effective(d) {
			t.Errorf("%q gives %v, written %s, read %v", s, d, Span(d), back)
		}
		if again, err := Parse(Span(d)); err != nil || again != back {
			t.Errorf("%s is not taken: %v", Span(d), err)
		}
	})
}

func TestOurs(t *testing.T) {
	define := func(s string) Policy { return Policy{DisplayName: Mark, Definition: []string{s}} }
	for _, tt := range []struct {
		name     string
		in       Policy
		want     bool
		lifetime time.Duration
	}{
		{"as made", ours("x", 5*time.Hour), true, 5 * time.Hour},
		{"another name", theirs("x"), false, 4 * time.Hour},
		{"one letter more", Policy{DisplayName: Mark + "s", Definition: ours("x", time.Hour).Definition}, false, time.Hour},
		{"default", Policy{DisplayName: Mark, Definition: ours("x", time.Hour).Definition, OrganizationDefault: true}, false, time.Hour},
		{"lifetime edited", define(`{"TokenLifetimePolicy": {"Version": 1, "AccessTokenLifetime": "2:00:00"}}`), true, 2 * time.Hour},
		{"something added", define(`{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"2:00:00","MaxAgeSessionSingleFactor":"until-revoked"}}`), false, 2 * time.Hour},
		{"version", define(`{"TokenLifetimePolicy":{"Version":2,"AccessTokenLifetime":"2:00:00"}}`), false, 2 * time.Hour},
		{"no lifetime", define(`{"TokenLifetimePolicy":{"Version":1}}`), false, 0},
		{"24 hours are 24 days to .NET", define(`{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"24:00:00"}}`), false, 0},
		{"two objects", define(`{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"2:00:00"}}{}`), false, 0},
		{"no JSON", define(`oops`), false, 0},
		{"no definition", Policy{DisplayName: Mark}, false, 0},
	} {
		if got := tt.in.Ours(); got != tt.want || tt.in.Lifetime() != tt.lifetime {
			t.Errorf("%s: %v %v, want %v %v", tt.name, got, tt.in.Lifetime(), tt.want, tt.lifetime)
		}
	}
}

func TestShows(t *testing.T) {
	for _, tt := range []struct {
		got, policy time.Duration
		want        bool
	}{
		{5 * time.Hour, 5 * time.Hour, true},
		{5*time.Hour - time.Second, 5 * time.Hour, true},
		{24*time.Hour - time.Second, Longest, true},
		{time.Hour, 5 * time.Hour, false},
		{5*time.Hour + 2*time.Minute, 5 * time.Hour, false},
	} {
		if Shows(tt.got, tt.policy) != tt.want {
			t.Errorf("%v under a policy of %v: want %v", tt.got, tt.policy, tt.want)
		}
	}
}

func TestCloudOf(t *testing.T) {
	for _, tt := range []struct{ environment, authority, graph string }{
		{"https://contoso.crm.dynamics.com", "https://login.microsoftonline.com/t/oauth2/v2.0/token", "https://graph.microsoft.com"},
		{"https://contoso.crm9.dynamics.com", "https://login.microsoftonline.com", "https://graph.microsoft.com"},
		{"https://contoso.crm.microsoftdynamics.us", "https://login.microsoftonline.us", "https://graph.microsoft.us"},
		{"https://contoso.crm.appsplatform.us", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"},
		{"https://contoso.crm.dynamics.cn", "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"},
		{"https://crm.example.com", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"},
		{"https://contoso.CRM.dynamics.com:443", "https://sign-in.example.com", "https://graph.microsoft.com"},
		{"http://127.0.0.1:7181", "http://127.0.0.1:7180", ""},
		{"https://dynamics.com.example.org", "https://login.microsoftonline.com.example.org", ""},
	} {
		if got, ok := CloudOf(tt.environment, tt.authority); got.Graph != tt.graph || ok != (tt.graph != "") {
			t.Errorf("%s, %s: %v %v, want %s", tt.environment, tt.authority, got, ok, tt.graph)
		}
	}
}

func TestParseGraphURL(t *testing.T) {
	for in, want := range map[string]string{
		"https://Graph.microsoft.us/": "https://graph.microsoft.us",
		"http://127.0.0.1:7183":       "http://127.0.0.1:7183",
		"http://[::1]:7183":           "http://[::1]:7183",
		"http://localhost":            "http://localhost",
		"http://graph.microsoft.com":  "",
		"https://u:p@graph.example":   "",
		"https://graph.example/v1.0":  "",
		"https://graph.example?x":     "",
		"ftp://localhost":             "",
		"graph.microsoft.com":         "",
		"":                            "",
	} {
		if got, err := ParseGraphURL(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}
