package credential_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/credential"
)

func thumbprint(p *pair) string {
	sum := sha1.Sum(p.certificate.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// An assertion is a client assertion as a server reads it.
type assertion struct {
	header map[string]any
	claims map[string]any
}

// readAssertion verifies a signed JWT.
func readAssertion(t *testing.T, jwt string, key *rsa.PublicKey) (a assertion) {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("an assertion of %d parts", len(parts))
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(json.Unmarshal(decoded[0], &a.header), json.Unmarshal(decoded[1], &a.claims)); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	err := rsa.VerifyPSS(key, crypto.SHA256, digest[:], decoded[2], &rsa.PSSOptions{SaltLength: sha256.Size})
	if a.header["alg"] == "RS256" {
		err = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], decoded[2])
	}
	if err != nil {
		t.Errorf("%v: %v", a.header["alg"], err)
	}
	return a
}

// A recorder is a token endpoint that grants everything and keeps the forms.
type recorder struct {
	*httptest.Server
	forms []url.Values
	next  http.HandlerFunc // answers once in place of a token
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		_ = request.ParseForm()
		r.forms = append(r.forms, request.PostForm)
		h := answer(200, "application/json", `{"access_token":"t","token_type":"Bearer","expires_in":3599}`)
		if r.next != nil {
			h, r.next = r.next, nil
		}
		h(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) endpoint() string { return r.URL + "/tenant/oauth2/v2.0/token" }

// A file is one whose contents a test changes.
type file struct {
	data []byte
	err  error
}

func (f *file) read() ([]byte, error) { return f.data, f.err }
func (f *file) text() (string, error) { return string(f.data), f.err }

const scope = "https://contoso.crm.dynamics.com/.default"

func TestAssertionOnTheWire(t *testing.T) {
	root := valid("root", keyB(), nil)
	a := valid("a", keyA(), root)
	sum1, sum256 := sha1.Sum(a.certificate.Raw), sha256.Sum256(a.certificate.Raw)
	chain := []any{base64.StdEncoding.EncodeToString(a.certificate.Raw), base64.StdEncoding.EncodeToString(root.certificate.Raw)}
	tests := []struct {
		name  string
		in    credential.ClientCertificateOptions
		alg   string
		chain any
		form  url.Values // beside the assertion
	}{
		{"default", credential.ClientCertificateOptions{}, "PS256", nil, url.Values{"scope": {scope}}},
		{"RS256 with chain", credential.ClientCertificateOptions{RS256: true, SendChain: true}, "RS256", chain, url.Values{"scope": {scope}}},
		{"version 1", credential.ClientCertificateOptions{Options: credential.Options{V1: true}}, "PS256", nil, url.Values{"resource": {"https://contoso.crm.dynamics.com"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := newRecorder(t)
			f := file{data: join(root.pem(), a.file())}
			source := credential.NewClientCertificate(server.endpoint(), "app", scope, f.read, tt.in)
			if _, err := source.Token(t.Context(), `{"access_token":{}}`); err != nil {
				t.Fatal(err)
			}
			form := server.forms[0]
			got := readAssertion(t, form.Get("client_assertion"), &keyA().PublicKey)
			if got.header["alg"] != tt.alg || got.header["typ"] != "JWT" || fmt.Sprint(got.header["x5c"]) != fmt.Sprint(tt.chain) ||
				got.header["x5t"] != base64.RawURLEncoding.EncodeToString(sum1[:]) || got.header["x5t#S256"] != base64.RawURLEncoding.EncodeToString(sum256[:]) {
				t.Errorf("header %v", got.header)
			}
			nbf, _ := got.claims["nbf"].(float64)
			exp, _ := got.claims["exp"].(float64)
			now := float64(time.Now().Unix())
			if got.claims["aud"] != server.endpoint() || got.claims["iss"] != "app" || got.claims["sub"] != "app" ||
				nbf > now || nbf < now-30 || exp-nbf < 300 || exp-nbf > 600 {
				t.Errorf("claims %v at %v", got.claims, now)
			}
			if id, _ := got.claims["jti"].(string); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
				t.Errorf("jti %q is no UUID", id)
			}
			want := url.Values{
				"grant_type": {"client_credentials"}, "client_id": {"app"}, "claims": {`{"access_token":{}}`},
				"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			}
			for name, values := range tt.form {
				want[name] = values
			}
			form.Del("client_assertion")
			if form.Encode() != want.Encode() {
				t.Errorf("form %q\nwant %q", form.Encode(), want.Encode())
			}
		})
	}
}

// A renewed certificate often has the name of the one before it.
func TestASelfSignedCertificateIsItsWholeChain(t *testing.T) {
	server := newRecorder(t)
	f := file{data: join(valid("same", keyB(), nil).pem(), valid("same", keyA(), nil).file())}
	source := credential.NewClientCertificate(server.endpoint(), "app", scope, f.read, credential.ClientCertificateOptions{SendChain: true})
	if _, err := source.Token(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	header := readAssertion(t, server.forms[0].Get("client_assertion"), &keyA().PublicKey).header
	if chain, _ := header["x5c"].([]any); len(chain) != 1 {
		t.Errorf("a chain of %d", len(chain))
	}
}

func TestEachAssertionIsAnother(t *testing.T) {
	server := newRecorder(t)
	f := file{data: valid("a", keyA(), nil).file()}
	source := credential.NewClientCertificate(server.endpoint(), "app", scope, f.read, credential.ClientCertificateOptions{})
	seen := map[any]bool{}
	for range 5 {
		if _, err := source.Token(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, form := range server.forms {
		seen[readAssertion(t, form.Get("client_assertion"), &keyA().PublicKey).claims["jti"]] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d ids in 5 assertions", len(seen))
	}
}
