package guard

import "testing"

func TestPlainPath(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"/a", "/a"},
		{"/A?%24B", "/a"},
		{"/%24Batch", "/$batch"},
		{"/%2524", "/$"},
		{"/%252524", "/$"},
		{"/%%324", "/$"},
		{"/%u0024b", "/$b"},
		{"/%U0024", "/$"},
		{"/%25u0024", "/$"},
		{"/%u00e4", "/%u00e4"},
		{"/100%", "/100%"},
		{"/%2", "/%2"},
		{"/%zz", "/%zz"},
		{"*", "*"},
		{"", ""},
	} {
		if got := plainPath(tt.in); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
}
