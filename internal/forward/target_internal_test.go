package forward

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What net/http will write is what the client wrote, or says the same in
// absolute-form.
func FuzzRetarget(f *testing.F) {
	for _, s := range []string{"/", "/a?b", "//a|b", "//x?y#z", "*", "/%2f;x?%", "///", "//[::1]/x", "/a b"} {
		f.Add(s)
	}
	upstream := &url.URL{Scheme: "https", Host: "contoso.crm.dynamics.com"}
	f.Fuzz(func(t *testing.T, target string) {
		if !strings.HasPrefix(target, "/") && target != "*" {
			return
		}
		if _, err := url.ParseRequestURI(target); err != nil {
			return // net/http answers 400 by itself
		}
		r := &http.Request{}
		retarget(r, target, upstream)
		if r.URL.Host != upstream.Host || r.URL.Scheme != "https" || r.Host != "" {
			t.Fatalf("%q goes to %v (Host %q)", target, r.URL, r.Host)
		}
		got := r.URL.RequestURI()
		if strings.HasPrefix(target, "//") {
			got = strings.TrimPrefix(got, "https://"+upstream.Host)
		}
		if got != target {
			t.Fatalf("%q is written as %q", target, got)
		}
	})
}

func FuzzElided(f *testing.F) {
	for _, s := range []string{"/accounts(secret)/x", "/a(b(secret)c)d", "/a%28secret%29", "/a(secret", "/a?secret"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		out := elided(target)
		depth := 0
		for i := range len(out) {
			switch out[i] {
			case '(':
				depth++
			case ')':
				depth--
			case '.':
			default:
				if depth > 0 {
					t.Fatalf("%q shows what is in parentheses: %q", target, out)
				}
			}
		}
		if strings.Contains(out, "?") {
			t.Fatalf("%q shows a query: %q", target, out)
		}
	})
}
