package check_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/check"
)

const (
	tenantID = "aaaaaaaa-0000-0000-0000-000000000001"
	clientID = "bbbbbbbb-0000-0000-0000-000000000002"
	userID   = "cccccccc-0000-0000-0000-000000000003"
	orgID    = "dddddddd-0000-0000-0000-000000000004"
)

// An answer is what Dataverse says to a WhoAmI: the first to one without a
// token, the second to one with it. Zero means as it should be.
type answer struct {
	status int
	header map[string]string
	body   string
}

func unasked() answer {
	return answer{401, map[string]string{"WWW-Authenticate": "Bearer authorization_uri=https://login.microsoftonline.com/" + tenantID + "/oauth2/authorize, resource_id=https://contoso.crm.dynamics.com/"}, ""}
}

func whoAmI() answer {
	return answer{200, map[string]string{
		"Content-Type": "application/json; odata.metadata=minimal", "x-ms-dop-hint": "4",
		"x-ms-ratelimit-time-remaining-xrm-requests": "1,200.00", "x-ms-ratelimit-burst-remaining-xrm-requests": "5999",
	}, fmt.Sprintf(`{"BusinessUnitId":"x","UserId":%q,"OrganizationId":%q}`, userID, orgID)}
}

func refusal(status int, code, message string) answer {
	body, _ := json.Marshal(map[string]any{"error": map[string]string{"code": code, "message": message}}) // strings
	return answer{status, nil, string(body)}
}

func (a answer) or(usual answer) answer {
	if a.status == 0 {
		return usual
	}
	return a
}

func (a answer) write(w http.ResponseWriter) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// dataverse answers WhoAmI, with a token or without.
func dataverse(t *testing.T, without, with answer) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method != http.MethodGet || r.URL.Path != "/api/data/v9.2/WhoAmI":
			t.Errorf("asked for %s %s", r.Method, r.URL)
		case r.Header.Get("Authorization") == "":
			without.or(unasked()).write(w)
		default:
			with.or(whoAmI()).write(w)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// jwt is a token with these claims, which nobody has signed.
func jwt(claims map[string]any) string {
	payload, _ := json.Marshal(claims) // strings
	return "eyJhbGciOiJub25lIn0." + base64.RawURLEncoding.EncodeToString(payload) + ".c2lnbmF0dXJl"
}

// tokenFor is a token for an origin, as Entra issues it.
func tokenFor(audience any) string {
	return jwt(map[string]any{"aud": audience, "appid": clientID, "tid": tenantID, "roles": []string{"a.b"}})
}

// environment is one that signs in with a token for itself.
func environment(t *testing.T, origin string) check.Environment {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	return check.Environment{
		URL: u, TenantID: tenantID, Listen: "localhost:7080",
		SignIn: signsIn(tokenFor(origin)),
	}
}

func signsIn(token string) func(context.Context) (string, time.Duration, error) {
	return func(context.Context) (string, time.Duration, error) { return token, time.Hour, nil }
}

func refusedBy(err error) func(context.Context) (string, time.Duration, error) {
	return func(context.Context) (string, time.Duration, error) { return "", 0, err }
}

// run checks an environment. No step may show the token, and the outcome is
// that of the steps.
func run(ctx context.Context, t *testing.T, e check.Environment) (steps []check.Step) {
	t.Helper()
	ok := check.Run(ctx, e, func(s check.Step) { steps = append(steps, s) })
	token, _, _ := e.SignIn(t.Context())
	failed := false
	for _, s := range steps {
		failed = failed || s.State == check.Failed
		if token != "" && strings.Contains(s.Detail+s.Remedy, token) {
			t.Errorf("step %q shows the token", s.Name)
		}
		if s.State == check.Failed && s.Remedy == "" {
			t.Errorf("step %q has failed and does not say what to do: %s", s.Name, s.Detail)
		}
	}
	if ok == failed {
		t.Errorf("reported %v, and a step failed: %v", ok, failed)
	}
	return steps
}

// expect looks for one step among others, with these words in it.
func expect(t *testing.T, steps []check.Step, name string, state check.State, words ...string) {
	t.Helper()
	for _, s := range steps {
		if s.Name != name {
			continue
		}
		text := s.Detail + " | " + s.Remedy
		if s.State != state {
			t.Errorf("%s is %s, want %s: %s", name, s.State, state, text)
		}
		for _, want := range words {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q: %s", name, want, text)
			}
		}
		return
	}
	t.Errorf("there is no step %q in %+v", name, steps)
}

// secure is an https server of its own authority, with a certificate for one
// name and until a time.
func secure(t *testing.T, name string, until time.Time) (origin string, roots *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Contoso"}},
		NotBefore: until.Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(name); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { unasked().write(w) }))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	s.StartTLS()
	t.Cleanup(s.Close)
	roots = x509.NewCertPool()
	roots.AddCert(certificate)
	return s.URL, roots
}
