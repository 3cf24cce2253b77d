package forward_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"dvproxy/internal/forward"
)

var cookies = map[string]struct{ in, want []string }{
	"none":             {nil, nil},
	"others":           {[]string{"a=1;b=2 ; c", "d"}, []string{"a=1;b=2 ; c", "d"}},
	"alone":            {[]string{"ARRAffinity=abc"}, nil},
	"both":             {[]string{"ARRAffinity=abc; ARRAffinitySameSite=abc"}, nil},
	"first":            {[]string{"ARRAffinity=abc; a=1; b=2"}, []string{"a=1; b=2"}},
	"middle":           {[]string{`a="1 , %";ARRAffinity=abc;  b==2`}, []string{`a="1 , %";  b==2`}},
	"last":             {[]string{"ReqClientId=x; orgId=y; ARRAffinity=abc"}, []string{"ReqClientId=x; orgId=y"}},
	"several lines":    {[]string{"a=1", "ARRAffinitySameSite=abc", "b=2; ARRAffinity=abc"}, []string{"a=1", "b=2"}},
	"like, but not it": {[]string{"xARRAffinity=1; ARRAffinity2=2; a=ARRAffinity=3"}, []string{"xARRAffinity=1; ARRAffinity2=2; a=ARRAffinity=3"}},
	"in the end ;":     {[]string{"ARRAffinity=abc;"}, nil},
}

// With spread, the two cookies go neither way, and nothing else changes.
func TestSpread(t *testing.T) {
	const stays = "ReqClientId=x; expires=Thu, 24 Nov 2077 00:00:00 GMT; path=/; secure; HttpOnly"
	set := []string{"ARRAffinity=abc;Path=/;HttpOnly;Secure;Domain=x", stays, "ARRAffinitySameSite=abc;Path=/;SameSite=None"}
	for name, tt := range cookies {
		for _, spread := range []bool{true, false} {
			var sent []string
			b := newBubble(&fakeTokens{}, forward.Options{Spread: spread}, func(_ int, r *http.Request) *http.Response {
				sent = r.Header["Cookie"]
				resp := answer(204, "")
				resp.Header["Set-Cookie"] = slices.Clone(set)
				return resp
			})
			r := httptest.NewRequest("GET", "/x", nil)
			if tt.in != nil {
				r.Header["Cookie"] = slices.Clone(tt.in)
			}
			got := httptest.NewRecorder()
			b.proxy.ServeHTTP(got, r)
			want, wantSet := tt.in, set
			if spread {
				want, wantSet = tt.want, []string{stays}
			}
			if !slices.Equal(sent, want) || !slices.Equal(got.Header()["Set-Cookie"], wantSet) {
				t.Errorf("%s, spread %v: upstream got %q, want %q; the client %q", name, spread, sent, want, got.Header()["Set-Cookie"])
			}
		}
	}
}

// What is left are the other cookies, in order, and it stays so.
func FuzzSpread(f *testing.F) {
	for _, tt := range cookies {
		f.Add(strings.Join(tt.in, ";"))
	}
	f.Fuzz(func(t *testing.T, line string) {
		var sent []string
		b := newBubble(&fakeTokens{}, forward.Options{Spread: true}, func(_ int, r *http.Request) *http.Response {
			sent = r.Header["Cookie"]
			return answer(204, "")
		})
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header["Cookie"] = []string{line}
		b.proxy.ServeHTTP(httptest.NewRecorder(), r)
		var want []string
		for cookie := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(cookie, "=")
			if name = strings.Trim(name, " \t"); name != "ARRAffinity" && name != "ARRAffinitySameSite" {
				want = append(want, strings.TrimLeft(cookie, " \t"))
			}
		}
		var got []string
		for cookie := range strings.SplitSeq(strings.Join(sent, ";"), ";") {
			got = append(got, strings.TrimLeft(cookie, " \t"))
		}
		if left := strings.Join(want, ";"); left != strings.Join(got, ";") {
			t.Errorf("of %q stays %q", line, sent)
		}
	})
}
