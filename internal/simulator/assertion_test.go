package simulator

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// strangerKey is a key that no tenant knows.
var strangerKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func certify(t *testing.T, key *rsa.PrivateKey, notBefore, notAfter time.Duration) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(notBefore), NotAfter: time.Now().Add(notAfter),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A draft is an assertion that is right as [bench.draft] makes it.
type draft struct {
	header, claims map[string]any
	key            *rsa.PrivateKey
}

func (b *bench) draft(c *x509.Certificate) *draft {
	long := sha256.Sum256(c.Raw)
	now := time.Now().Unix()
	return &draft{
		header: map[string]any{"alg": "PS256", "typ": "JWT", "x5t#S256": base64.RawURLEncoding.EncodeToString(long[:])},
		claims: map[string]any{
			"aud": b.EntraURL + v2Path, "iss": DefaultClientID, "sub": DefaultClientID,
			"jti": newGUID(), "nbf": now, "exp": now + 600,
		},
		key: sharedKey(),
	}
}

func (d *draft) sign(t *testing.T) string {
	t.Helper()
	header, err1 := json.Marshal(d.header)
	claims, err2 := json.Marshal(d.claims)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPSS(rand.Reader, d.key, crypto.SHA256, digest[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	if d.header["alg"] == "RS256" {
		signature, err = rsa.SignPKCS1v15(rand.Reader, d.key, crypto.SHA256, digest[:])
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (b *bench) assertionForm(jwt string) url.Values {
	return b.form("client_secret", "client_assertion_type="+jwtBearerAssertion, "client_assertion="+jwt)
}

// wantCode checks a token request's answer; 0 means a token.
func (a answer) wantCode(t *testing.T, code int) {
	t.Helper()
	if code == 0 {
		if a.status != 200 {
			t.Errorf("%d %s, want a token", a.status, a.body)
		}
		return
	}
	codes, _ := a.members(t)["error_codes"].([]any)
	if a.status == 200 || len(codes) != 1 || codes[0] != float64(code) || !strings.Contains(a.body, fmt.Sprintf("AADSTS%d: ", code)) {
		t.Errorf("%d %s, want AADSTS%d", a.status, a.body, code)
	}
}

func TestCertificateAssertions(t *testing.T) {
	good, old := certify(t, sharedKey(), -time.Hour, time.Hour), certify(t, sharedKey(), -2*time.Hour, -time.Hour)
	future := certify(t, sharedKey(), time.Hour, 2*time.Hour)
	stranger := certify(t, strangerKey(), -time.Hour, time.Hour)
	short, long := sha1.Sum(good.Raw), sha256.Sum256(good.Raw)
	oldLong, futureLong, strangeLong := sha256.Sum256(old.Raw), sha256.Sum256(future.Raw), sha256.Sum256(stranger.Raw)
	b64 := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix()
	for _, tt := range []struct {
		name string
		in   func(d *draft)
		want int
	}{
		{"PS256, x5t#S256", func(*draft) {}, 0},
		{"padded base64, as MSAL Go has it", func(d *draft) { d.header["x5t#S256"] = base64.StdEncoding.EncodeToString(long[:]) }, 0},
		{"RS256, x5t", func(d *draft) { d.header = map[string]any{"alg": "RS256", "typ": "JWT", "x5t": b64(short[:])} }, 0},
		{"both thumbprints", func(d *draft) { d.header["x5t"] = b64(short[:]) }, 0},
		{"kid alone", func(d *draft) { d.header = map[string]any{"alg": "PS256", "kid": hex.EncodeToString(short[:])} }, 0},
		{"chain", func(d *draft) { d.header["x5c"] = [][]byte{good.Raw} }, 0},
		{"tenant's spelling", func(d *draft) { d.claims["iss"] = strings.ToUpper(DefaultClientID) }, 0},
		{"version 1 audience", func(d *draft) { d.claims["aud"] = strings.Replace(d.claims["aud"].(string), "/v2.0", "", 1) }, 0},

		{"unknown certificate", func(d *draft) { d.key, d.header["x5t#S256"] = strangerKey(), b64(strangeLong[:]) }, 700027},
		{"no thumbprint", func(d *draft) { delete(d.header, "x5t#S256") }, 700027},
		{"thumbprints disagree", func(d *draft) { d.header["x5t"] = b64(strangeLong[:20]) }, 700027},
		{"another's chain", func(d *draft) { d.header["x5c"] = [][]byte{stranger.Raw} }, 700027},
		{"another's signature", func(d *draft) { d.key = strangerKey() }, 700027},
		{"signed otherwise than it says", func(d *draft) { d.header["alg"] = "RS512" }, 700027},
		{"none", func(d *draft) { d.header["alg"] = "none" }, 700027},
		{"expired certificate", func(d *draft) { d.header["x5t#S256"] = b64(oldLong[:]) }, 700027},
		{"certificate of later", func(d *draft) { d.header["x5t#S256"] = b64(futureLong[:]) }, 700027},
		{"expired", func(d *draft) { d.claims["nbf"], d.claims["exp"] = now-1200, now-600 }, 700024},
		{"not yet good", func(d *draft) { d.claims["nbf"], d.claims["exp"] = now+600, now+1200 }, 700024},
		{"no expiry", func(d *draft) { delete(d.claims, "exp") }, 700024},
		{"another application", func(d *draft) { d.claims["iss"], d.claims["sub"] = newGUID(), newGUID() }, 700021},
		{"another subject", func(d *draft) { d.claims["sub"] = newGUID() }, 50048},
		{"another audience", func(d *draft) { d.claims["aud"] = "https://login.example/oauth2/v2.0/token" }, 700023},
		{"a list of audiences", func(d *draft) { d.claims["aud"] = []any{d.claims["aud"]} }, 50027},
		{"no audience", func(d *draft) { delete(d.claims, "aud") }, 50027},
		{"another type", func(d *draft) { d.header["typ"] = "at+jwt" }, 5002727},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, Options{})
			b.SetCertificates(old, future, good)
			d := b.draft(good)
			tt.in(d)
			b.post(v2Path, b.assertionForm(d.sign(t))).wantCode(t, tt.want)
		})
	}
}

func TestAssertionsThatAreNoJWT(t *testing.T) {
	b := newBench(t, Options{})
	good := certify(t, sharedKey(), -time.Hour, time.Hour)
	b.SetCertificates(good)
	whole := b.draft(good).sign(t)
	for in, want := range map[string]int{
		"": 50027, "a.b.c": 50027, "e30.e30": 50027, whole + ".x": 50027, "!" + whole: 50027,
		whole[:len(whole)-20]:      700027,
		whole[:len(whole)-1] + "!": 50027,
	} {
		b.post(v2Path, b.assertionForm(in)).wantCode(t, want)
	}
	b.post(v2Path, b.form("client_secret", "client_assertion_type=urn:other", "client_assertion="+whole)).wantCode(t, 7000218)
	b.post(v2Path, b.form("client_secret", "client_assertion_type="+jwtBearerAssertion)).wantCode(t, 900144)
	b.post(v2Path, b.assertionForm(whole)).wantCode(t, 0)
	b.post(v2Path, b.assertionForm(whole)).wantCode(t, 0) // again, as MSAL does
	b.SetCertificates()
	b.post(v2Path, b.assertionForm(whole)).wantCode(t, 700027)
}

func TestFederatedAssertions(t *testing.T) {
	cluster, err := NewFederatedIssuer("https://oidc.example/cluster/")
	if err != nil {
		t.Fatal(err)
	}
	impostor := &FederatedIssuer{cluster.url, newSigner(strangerKey())}
	const subject = "system:serviceaccount:default:importer"
	other := cluster.Credential(subject)
	other.Audience = "api://elsewhere"
	for _, tt := range []struct {
		name  string
		token string
		trust []FederatedCredential
		want  int
	}{
		{"trusted", cluster.Token(subject, time.Hour), []FederatedCredential{other, cluster.Credential("x"), cluster.Credential(subject)}, 0},
		{"no credential", cluster.Token(subject, time.Hour), nil, 700211},
		{"another issuer, but for a slash", cluster.Token(subject, time.Hour), []FederatedCredential{{Issuer: "https://oidc.example/cluster", Subject: subject, Key: &strangerKey().PublicKey}}, 700211},
		{"another audience", cluster.Token(subject, time.Hour), []FederatedCredential{other}, 700212},
		{"another subject, but for case", cluster.Token("system:serviceaccount:Default:importer", time.Hour), []FederatedCredential{cluster.Credential(subject)}, 700213},
		{"another's signature", impostor.Token(subject, time.Hour), []FederatedCredential{cluster.Credential(subject)}, 50027},
		{"expired", cluster.Token(subject, -time.Minute), []FederatedCredential{cluster.Credential(subject)}, 700024},
	} {
		b := newBench(t, Options{})
		if err := b.SetFederatedCredentials(tt.trust...); err != nil {
			t.Fatal(err)
		}
		t.Run(tt.name, func(t *testing.T) { b.post(v2Path, b.assertionForm(tt.token)).wantCode(t, tt.want) })
	}
	if err := New(Options{Key: sharedKey()}).SetFederatedCredentials(FederatedCredential{Issuer: "https://x"}); err == nil {
		t.Error("a federated credential without a key is taken")
	}
}

func TestControlOfAssertions(t *testing.T) {
	b := newBench(t, Options{})
	good := certify(t, sharedKey(), -time.Hour, time.Hour)
	set := func(call string, body any, want int) {
		t.Helper()
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if a := b.control("PUT " + call + " " + string(text)); a.status != want {
			t.Errorf("%s: %d %s, want %d", call, a.status, a.body, want)
		}
	}
	set("/certificates", map[string]string{"accepted": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: good.Raw}))}, 204)
	b.post(v2Path, b.assertionForm(b.draft(good).sign(t))).wantCode(t, 0)
	set("/certificates", map[string]string{"accepted": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("junk")}))}, 400)

	issuer := &FederatedIssuer{"https://oidc.example/", newSigner(strangerKey())}
	der, err := x509.MarshalPKIXPublicKey(&strangerKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	one := map[string]string{"issuer": "https://oidc.example/", "subject": "s", "key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))}
	set("/federated", map[string]any{"accepted": []any{one}}, 204)
	b.post(v2Path, b.assertionForm(issuer.Token("s", time.Hour))).wantCode(t, 0)
	one["key"] = "junk"
	set("/federated", map[string]any{"accepted": []any{one}}, 400)
}
