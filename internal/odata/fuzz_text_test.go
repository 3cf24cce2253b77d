package odata

import (
	"regexp"
	"strings"
	"testing"
)

func FuzzHeader(f *testing.F) {
	for _, s := range []string{"\x01/x", "\x01:443", "\x01.evil", "HTTPS://A.B?", "https://a.c:8/x", "\x03", "a\x01"} {
		f.Add(s)
	}
	view := fuzzMapper(f).At("http", "l0")
	ours := regexp.MustCompile(`^(?i:https://(?:a\.b(?::443)?|a\.c:8))(?s:$|[/?#].*$)`)
	f.Fuzz(func(t *testing.T, in string) {
		in = fuzzTokens.Replace(in)
		out := view.Header("Location", in)
		explain(t, view.answers, in, out)
		if mapped := ours.MatchString(in); mapped != strings.HasPrefix(out, "http://l0") && !strings.HasPrefix(in, "http://l0") {
			t.Fatalf("%q: %q", in, out)
		}
	})
}

func FuzzTarget(f *testing.F) {
	short := strings.NewReplacer("<R>", "https://a.b", "<A>", "https://a.c:8", "<L>", "http://l0", "<L4>", "http://l0", "<L6>", "http://[::1]:7", "localhost%3A7080", "l0", "localhost:7080", "l0", "localhost%3a7080", "l0")
	for _, tt := range targetTable {
		f.Add(short.Replace(tt.in))
	}
	f.Add("/x?$id=\x18x&@p={'@odata.id':'\x02/x'}")
	view := fuzzMapper(f).At("http", "l0")
	reverse := back(view)
	link := regexp.MustCompile(`^(?i)(?:h|%68)`)
	f.Fuzz(func(t *testing.T, in string) {
		in = fuzzTokens.Replace(in)
		out := view.Target(in)
		if q := strings.IndexByte(in, '?'); (q < 0 && out != in) || (q >= 0 && out[:q] != in[:q]) {
			t.Fatalf("the path of %q has changed: %q", in, out)
		}
		_, a0, _ := strings.Cut(in, "?")
		_, b0, _ := strings.Cut(out, "?")
		a, b := strings.Split(a0, "&"), strings.Split(b0, "&")
		if len(a) != len(b) {
			t.Fatalf("%q: %q", in, out)
		}
		for i := range a {
			name, value, _ := strings.Cut(a[i], "=")
			if a[i] != b[i] && (parameter(name) == otherParameter || parameter(name) == idParameter && !link.MatchString(value)) {
				t.Fatalf("%q: %q has become %q", in, a[i], b[i])
			}
		}
		if plainEscapes(in) {
			explain(t, view.sent, in, out)
			if roundTrips(view.sent, in) {
				if got := reverse.Target(out); got != in {
					t.Fatalf("there and back:\n  in %q\n got %q", in, got)
				}
			}
		}
	})
}

func plainEscapes(s string) bool {
	for _, e := range []string{"%3A%2F%2F", "%3a%2f%2f", "://"} {
		s = strings.ReplaceAll(s, e, "")
	}
	return !strings.Contains(s, "%")
}
