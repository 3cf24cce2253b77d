package simulator

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

var targets = []struct {
	in       string
	segments []segment
	ok       bool
}{
	{"/api/data/v9.2/accounts", []segment{{name: "accounts"}}, true},
	{"/API/Data/v9.2/accounts/", []segment{{name: "accounts"}}, true},
	{"/api/data/v9.2", nil, true},
	{"/api/data/v9.2/accounts(name='a/b')/x?y=/z", []segment{{"accounts", "name='a/b'", true}, {name: "x"}}, true},
	{"/api/data/v9.2/accounts(name=%27a/b%27)/x", []segment{{"accounts", "name='a/b'", true}, {name: "x"}}, true},
	{"/api/data/v9.2/accounts(name='a%2Fb')", []segment{{"accounts", "name='a/b'", true}}, true},
	{"/api/data/v9.2/accounts%28name='%zz'%29", []segment{{"accounts", "name='%zz'", true}}, true},
	{"http://other.example/api/data/v9.2/accounts?x", []segment{{name: "accounts"}}, true},
	{"//api/data/v9.2/accounts", nil, false},
	{"/api/data/9.2/accounts", nil, false},
	{"/XRMServices/2011/Organization.svc", nil, false},
	{"*", nil, false},
}

func TestReadTarget(t *testing.T) {
	for _, tt := range targets {
		tg, ok := readTarget(tt.in)
		if ok != tt.ok || ok && !slices.Equal(tg.segments, tt.segments) {
			t.Errorf("%s: %v %v, want %v %v", tt.in, tg.segments, ok, tt.segments, tt.ok)
		}
	}
}

func TestOptions(t *testing.T) {
	tg, _ := readTarget("/api/data/v9.2/accounts?$expand=a($select=b;$top=1)&%24filter=a+eq+'b%26c'&&$top=5&x=1%&$skiptoken=%3Ca%3E")
	for name, want := range map[string]string{
		"$expand": "a($select=b;$top=1)", "$filter": "a eq 'b&c'", "$top": "5", "x": "1%", "$skiptoken": "<a>",
	} {
		if got, ok := tg.option(name); !ok || got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, ok := tg.option("$count"); ok {
		t.Error("$count is not there")
	}
	if got, want := tg.queryWithout("$skiptoken"), "$expand=a($select=b;$top=1)&%24filter=a+eq+'b%26c'&$top=5&x=1%"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Nothing of a target is lost by taking it apart, and where net/url can decode
// it the result is the same.
func FuzzReadTarget(f *testing.F) {
	for _, tt := range targets {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		path, _, _ := strings.Cut(in, "?")
		if parts := splitPath(path); strings.Join(parts, "/") != strings.TrimSuffix(path, "/") && strings.Join(parts, "/") != path {
			t.Errorf("%q became %q", path, parts)
		}
		if want, err := url.PathUnescape(path); err == nil && unescape(path, false) != want {
			t.Errorf("%q became %q, want %q", path, unescape(path, false), want)
		}
		if want, err := url.QueryUnescape(in); err == nil && unescape(in, true) != want {
			t.Errorf("%q became %q, want %q", in, unescape(in, true), want)
		}
		tg, ok := readTarget(in)
		if ok && !strings.HasSuffix(in, tg.path) && !strings.HasSuffix(in, tg.path+"?"+tg.query) {
			t.Errorf("%q became %q and %q", in, tg.path, tg.query)
		}
	})
}

// Values are kept as they were written.
func FuzzReadObject(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1,"b":[{"c":null}]}`, `{"a":1}{`, `[`, `{"a"`, ` {"a":"é<>"} `} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		attributes, err := readObject([]byte(in))
		if err != nil {
			return
		}
		for _, a := range attributes {
			if !strings.Contains(in, string(a.value)) {
				t.Errorf("%q is not in %q", a.value, in)
			}
		}
	})
}
