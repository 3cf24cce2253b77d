package check_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/check"
)

func TestNetwork(t *testing.T) {
	t.Parallel()
	plain := dataverse(t, answer{}, answer{})
	day := 24 * time.Hour
	good, roots := secure(t, "127.0.0.1", time.Now().Add(day))
	other, _ := secure(t, "127.0.0.1", time.Now().Add(day))
	past, pastRoots := secure(t, "127.0.0.1", time.Now().Add(-day))
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	breaks := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(breaks.Close)

	for _, tt := range []struct {
		name  string
		url   string
		step  string
		state check.State
		words []string
	}{
		{"no such host", "https://contoso.invalid", "dns", check.Failed, []string{"contoso.invalid", "spelling", "HTTPS_PROXY"}},
		{"nobody listens", "http://127.0.0.1:1", "network", check.Failed, []string{"refused", "firewall"}},
		{"nobody answers", silent.URL, "network", check.Failed, []string{"in time", "HTTPS_PROXY"}},
		{"breaks off", breaks.URL, "network", check.Failed, []string{"EOF", "web server"}},
		{"another authority", other, "tls", check.Failed, []string{"authority", "root certificate"}},
		{"another name", strings.Replace(good, "127.0.0.1", "localhost", 1), "tls", check.Failed, []string{"not for localhost"}},
		{"expired", past, "tls", check.Failed, []string{"not valid now", "clock"}},
		{"no TLS", strings.Replace(plain, "http:", "https:", 1), "tls", check.Failed, []string{"does not speak TLS", "port"}},
		{"all well", good, "tls", check.OK, []string{"TLS 1.3", "Contoso"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			known := roots
			if tt.url == past {
				known = pastRoots
			}
			e := environment(t, tt.url)
			e.Roots = known
			limit := time.Minute
			if tt.url == silent.URL {
				limit = 2 * time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			steps := run(ctx, t, e)
			expect(t, steps, "environment "+tt.step, tt.state, tt.words...)
			if tt.state == check.Failed {
				expect(t, steps, "whoami", check.Skipped, "not reached")
			}

			// The authority is looked at in the same way.
			e = environment(t, plain)
			e.Roots = known
			e.Authority, _ = url.Parse(tt.url + "/" + tenantID + "/oauth2/v2.0/token")
			steps = run(ctx, t, e)
			expect(t, steps, "authority "+tt.step, tt.state, tt.words...)
		})
	}
}

func TestAddressesAreShown(t *testing.T) {
	t.Parallel()
	e := environment(t, strings.Replace(dataverse(t, answer{}, answer{}), "127.0.0.1", "localhost", 1))
	expect(t, run(t.Context(), t, e), "environment dns", check.OK, "localhost is ", "127.0.0.1")
}

func TestClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		behind time.Duration // of the server's clock, against this machine's
		state  check.State
		words  []string
	}{
		{"the same", 0, check.OK, []string{"few seconds"}},
		{"seconds", 10 * time.Second, check.OK, nil},
		{"a minute ahead", time.Minute, check.Warning, []string{"1m", "ahead of", "NTP"}},
		{"a minute behind", -time.Minute, check.Warning, []string{"1m", "behind", "NTP"}},
		{"an hour ahead", time.Hour, check.Failed, []string{"h0m", "ahead of", "set the clock"}},
		{"an hour behind", -time.Hour, check.Failed, []string{"behind", "set the clock"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			late := unasked()
			late.header["Date"] = time.Now().Add(-tt.behind).UTC().Format(http.TimeFormat)
			e := environment(t, dataverse(t, late, answer{}))
			expect(t, run(t.Context(), t, e), "environment clock", tt.state, tt.words...)
		})
	}
}
