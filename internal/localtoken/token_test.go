package localtoken_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dvproxy/internal/localtoken"
)

// forgeries are made from a good token: what an attacker, or a careless
// intermediary, could make of it without its key.
func forgeries(token string) map[string]string {
	b64 := base64.RawURLEncoding.EncodeToString
	parts := strings.Split(token, ".")
	header, payload, signature := parts[0], parts[1], parts[2]
	decoded, _ := base64.RawURLEncoding.DecodeString(payload)
	plain, _ := base64.RawURLEncoding.DecodeString(header)
	rewritten := func(s, old, by string) string { return b64([]byte(strings.Replace(s, old, by, 1))) }
	last := strings.Index("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", signature[len(signature)-1:])
	sameBits := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last^1]
	return map[string]string{
		"alg none":                  b64([]byte(`{"typ":"JWT","alg":"none"}`)) + "." + payload + ".",
		"alg none, with our kid":    rewritten(string(plain), "HS256", "none") + "." + payload + ".",
		"alg none, signed":          rewritten(string(plain), "HS256", "none") + "." + payload + "." + signature,
		"another alg":               rewritten(string(plain), "HS256", "HS512") + "." + payload + "." + signature,
		"header written otherwise":  rewritten(string(plain), ",", ", ") + "." + payload + "." + signature,
		"kid of nobody":             rewritten(string(plain), `"kid":"`, `"kid":"x`) + "." + payload + "." + signature,
		"huge header":               b64([]byte(`{"alg":"HS256","x":"`+strings.Repeat("x", 1<<20)+`"}`)) + "." + payload + "." + signature,
		"huge payload":              header + "." + strings.Repeat(payload, 1000) + "." + signature,
		"later end":                 header + "." + rewritten(string(decoded), `"exp":`, `"exp":9`) + "." + signature,
		"another client":            header + "." + rewritten(string(decoded), "Nightly", "hourly") + "." + signature,
		"no signature":              header + "." + payload + ".",
		"no third part":             header + "." + payload,
		"signature alone":           ".." + signature,
		"signature cut":             token[:len(token)-1],
		"signature padded":          token + "=",
		"signature in another case": header + "." + payload + "." + strings.ToUpper(signature),
		"last bits of no meaning":   token[:len(token)-1] + string(sameBits),
		"fourth part":               token + ".x",
		"part in front":             "x." + token,
		"not base64":                header + "." + payload[:10] + "!" + payload[11:] + "." + signature,
		"zero byte":                 token + "\x00",
		"twice":                     token + token,
		"empty parts":               "..",
	}
}

func TestForgeries(t *testing.T) {
	l := listen(t, "contoso", nightly())
	token := l.token(t)
	if !opens(l, token) {
		t.Fatal("the token they are made from is refused")
	}
	for name, forged := range forgeries(token) {
		if forged == token {
			t.Errorf("%s: is the token itself", name)
		}
		if opens(l, forged) {
			t.Errorf("%s: let pass", name)
		}
	}
}

// FuzzToken: what is let pass was minted, byte for byte.
func FuzzToken(f *testing.F) {
	l := listen(f, "contoso", nightly())
	token := l.token(f)
	f.Add(token)
	for _, forged := range forgeries(token) {
		if len(forged) < 4096 {
			f.Add(forged)
		}
	}
	f.Fuzz(func(t *testing.T, in string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Authorization"] = []string{"Bearer " + in}
		if _, err := l.Authenticate(r); err == nil && strings.Trim(in, " ") != token && in != secret && in != "another" {
			t.Errorf("%q is let pass", in)
		}
	})
}

// authorized is a request with a good token, as net/http's server makes it.
func authorized(tb testing.TB, o localtoken.Options) (*localtoken.Issuer, *http.Request) {
	l := listen(tb, "contoso", o)
	r := httptest.NewRequest(http.MethodGet, "/api/data/v9.2/WhoAmI", nil)
	r.Header.Set("Authorization", "Bearer "+l.token(tb))
	return l.Issuer, r
}

// TestTokenCostsNoKey: keyed HMACs are used again; a new one for each request
// would be 16 allocations. There are none in fact (see the benchmark), but the
// race detector makes a sync.Pool forget a quarter of what it is given.
func TestTokenCostsNoKey(t *testing.T) {
	i, r := authorized(t, nightly())
	allocations := testing.AllocsPerRun(1000, func() {
		if _, err := i.Authenticate(r); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 6 {
		t.Errorf("%v allocations for a token", allocations)
	}
}

func BenchmarkToken(b *testing.B) {
	i, r := authorized(b, nightly())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := i.Authenticate(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkBasic(b *testing.B) {
	i, r := authorized(b, nightly())
	r.Header.Set("Authorization", basic("nightly", secret))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.Authenticate(r); err != nil {
			b.Fatal(err)
		}
	}
}
