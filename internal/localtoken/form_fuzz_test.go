package localtoken_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzForm: whatever is in a token request, there is an answer, and a token
// only where one of the secrets is in it, as it is or encoded.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{
		credentials().Encode(), credentials("client_id", "hourly", "client_secret", "another").Encode(),
		"grant_type=client_credentials&client_id=nightly&client_secret=%", "=&&=;", "grant_type=refresh_token&refresh_token=a.b.c",
		credentials("grant_type", "password", "client_secret", "", "username", "hourly", "password", "another", "client_info", "1").Encode(),
	} {
		f.Add(seed, "", "")
		f.Add(seed, "nightly", url.QueryEscape(secret))
	}
	f.Fuzz(func(t *testing.T, body, id, password string) {
		l := listen(t, "contoso", nightly())
		r := post(v1(), body)
		if id != "" {
			r.SetBasicAuth(id, password)
		}
		w := l.do(r)
		got := object(t, w)
		if granted := w.Code == http.StatusOK; granted != opens(l, text(got["access_token"])) || granted == (text(got["error"]) != "") {
			t.Errorf("answered %d %v", w.Code, got)
		} else if granted && !presents(body+"&="+password) {
			t.Errorf("a token for %q %q %q", body, id, password)
		}
	})
}

// presents says whether a value in a form is a secret.
func presents(form string) bool {
	for pair := range strings.SplitSeq(form, "&") {
		_, value, _ := strings.Cut(strings.Trim(pair, "\r\n"), "=")
		decoded, _ := url.QueryUnescape(value)
		if slices.Contains([]string{secret, "another"}, decoded) || slices.Contains([]string{secret, "another"}, value) {
			return true
		}
	}
	return false
}
