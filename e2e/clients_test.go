package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

const (
	theClient = "nightly-import"
	theSecret = "the-secret-of-nightly-import"
)

// A local is a dvproxy that knows its clients, and their files.
type local struct {
	*proxy
	s   *simulator.Server
	dir folder
	c   *http.Client
}

// serveClients starts one with two clients.
func serveClients(t testing.TB, o simulator.Options) *local {
	t.Helper()
	l := &local{s: tenant(t, o), dir: newFolder(t), c: newClient(t)}
	l.dir.write(t, theClient, []byte(theSecret+"\n"))
	l.dir.write(t, "other", []byte("the-secret-of-the-other-one"))
	l.proxy = l.again(t, theClient, "other")
	return l
}

// again starts another dvproxy for these clients.
func (l *local) again(t testing.TB, clients ...string) *proxy {
	t.Helper()
	yaml := "environments:\n  - clients:\n"
	for _, id := range clients {
		yaml += fmt.Sprintf("      - {id: %s, secret_file: %s/%s}\n", id, l.dir, id)
	}
	return serve(t, l.s, "DVPROXY_CONFIG="+configFile(t, yaml))
}

// get asks for WhoAmI with these credentials.
func (l *local) get(t testing.TB, origin, authorization string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+"/api/data/v9.2/WhoAmI", nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	resp, err := l.c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, readAll(resp)
}

// A tokenAnswer is what a token endpoint says.
type tokenAnswer struct {
	Type        string          `json:"token_type"`
	AccessToken string          `json:"access_token"`
	ExpiresIn   json.RawMessage `json:"expires_in"` // text in version 1
	Error       string
	Description string `json:"error_description"`
	Codes       []int  `json:"error_codes"`
}

// ask posts a form to a token endpoint; by Basic if basic is set.
func (l *local) ask(t testing.TB, endpoint string, form url.Values, basic ...string) (status int, header http.Header, a tokenAnswer) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(basic) > 0 {
		r.SetBasicAuth(basic[0], basic[1])
	}
	resp, err := l.c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if body := readAll(resp); json.Unmarshal([]byte(body), &a) != nil {
		t.Errorf("the token endpoint answers %d %q", resp.StatusCode, body)
	}
	return resp.StatusCode, resp.Header, a
}

// token gets a local token by the client credentials grant.
func (l *local) token(t testing.TB, origin, secret string) string {
	t.Helper()
	status, _, a := l.ask(t, origin+"/"+l.s.TenantID()+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {theClient}, "client_secret": {secret}, "scope": {origin + "/.default"},
	})
	if status != http.StatusOK || a.AccessToken == "" {
		t.Fatalf("no local token: %d %s %s", status, a.Error, a.Description)
	}
	return a.AccessToken
}

func TestClients(t *testing.T) {
	t.Parallel()
	l := serveClients(t, simulator.Options{})
	status, header, body := l.get(t, l.origin, "")
	challenges := header.Values("WWW-Authenticate")
	// As Microsoft's own client reads it: AuthorityResolver.cs.
	form := regexp.MustCompile(`^Bearer authorization_uri=(\S+)/` + l.s.TenantID() + `/oauth2/authorize, resource_id=(\S+)/$`)
	if status != http.StatusUnauthorized || !strings.Contains(body, `"dvproxy.client_unauthorized"`) || len(challenges) == 0 {
		t.Fatalf("without credentials: %d, %q, %s", status, challenges, body)
	}
	if m := form.FindStringSubmatch(challenges[0]); m == nil || m[1] != l.origin || m[2] != l.origin {
		t.Errorf("the challenge is %q", challenges)
	}

	endpoint := l.origin + "/" + l.s.TenantID() + "/oauth2"
	with := func(more ...string) url.Values {
		f := url.Values{"grant_type": {"client_credentials"}}
		for i := 0; i < len(more); i += 2 {
			f.Set(more[i], more[i+1])
		}
		return f
	}
	tokens := map[string]string{}
	for name, ask := range map[string]struct {
		path  string
		form  url.Values
		basic []string
	}{
		"v2":            {"/v2.0/token", with("client_id", theClient, "client_secret", theSecret, "scope", l.origin+"/.default"), nil},
		"v1":            {"/token", with("client_id", theClient, "client_secret", theSecret, "resource", l.origin), nil},
		"v2 by Basic":   {"/v2.0/token", with("scope", l.origin+"/.default"), []string{theClient, theSecret}},
		"v1 and a user": {"/token", with("grant_type", "password", "client_id", "any-app", "username", theClient, "password", theSecret, "resource", l.origin), nil},
	} {
		status, _, a := l.ask(t, endpoint+ask.path, ask.form, ask.basic...)
		if month := "2592000"; status != http.StatusOK || a.Type != "Bearer" || strings.Trim(string(a.ExpiresIn), `"`) != month {
			t.Errorf("%s: %d, type %q for %s s, error %s", name, status, a.Type, a.ExpiresIn, a.Description)
		}
		tokens[name] = "Bearer " + a.AccessToken
	}
	tokens["Basic"] = basicOf(theClient, theSecret)
	tokens["the secret"] = "Bearer " + theSecret
	for name, authorization := range tokens {
		if status, _, body := l.get(t, l.origin, authorization); status != http.StatusOK {
			t.Errorf("with %s: %d %s", name, status, body)
		}
	}
	for name, authorization := range map[string]string{
		"another secret": "Bearer another-secret-of-no-client", "a secret of another's": basicOf(theClient, "the-secret-of-the-other-one"),
		"a token of Entra's": "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "another scheme": "Negotiate YII=",
	} {
		if status, _, body := l.get(t, l.origin, authorization); status != http.StatusUnauthorized || !strings.Contains(body, "dvproxy.client_unauthorized") {
			t.Errorf("with %s: %d %s", name, status, body)
		}
	}
	l.neverUpstream(t, tokens)
}

func basicOf(id, secret string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(id, secret)
	return r.Header.Get("Authorization")
}

// neverUpstream checks that the tenant has seen none of these credentials, and
// that nothing was let in but by one of them.
func (l *local) neverUpstream(t testing.TB, credentials map[string]string) {
	t.Helper()
	arrived := 0
	for _, r := range l.s.Recent() {
		if r.Service != "dataverse" {
			continue
		}
		arrived++
		for name, credential := range credentials {
			if _, secret, _ := strings.Cut(credential, " "); strings.Contains(fmt.Sprint(r.Header, r.RequestURI, r.RawHead), secret) {
				t.Errorf("%s reached Dataverse", name)
			}
		}
	}
	if arrived != len(credentials) || len(l.s.Stats().Refused) > 0 {
		t.Errorf("%d requests reached Dataverse, want %d; refused %v", arrived, len(credentials), l.s.Stats().Refused)
	}
	for name, credential := range credentials {
		if _, secret, _ := strings.Cut(credential, " "); strings.Contains(l.allLogs(), secret) {
			t.Errorf("%s is in the log", name)
		}
	}
}

// A local token outlives a restart and holds at another replica; it ends with
// its secret, and with its client.
func TestLocalTokenLives(t *testing.T) {
	t.Parallel()
	l := serveClients(t, simulator.Options{TokenLifetime: 2 * time.Second})
	token := "Bearer " + l.token(t, l.origin, theSecret)
	passes := func(when, origin, authorization string, want int) {
		t.Helper()
		if status, _, body := l.get(t, origin, authorization); status != want {
			t.Errorf("%s: %d, want %d: %s", when, status, want, body)
		}
	}
	passes("at first", l.origin, token, http.StatusOK)
	replica := l.again(t, theClient, "other")
	passes("at a replica", replica.origin, token, http.StatusOK)
	l.terminate(t)
	l.proxy = l.again(t, theClient, "other")
	passes("after a restart", l.origin, token, http.StatusOK)

	l.dir.write(t, theClient, nil) // half-written, for a moment
	passes("while the file is empty", l.origin, token, http.StatusOK)
	newSecret := "another-secret-of-nightly-import"
	l.dir.write(t, theClient, []byte(newSecret))
	eventually(t, 20*time.Second, "the new secret is taken", func() bool { // files are read 20 times a second at most
		status, _, _ := l.get(t, l.origin, basicOf(theClient, newSecret))
		return status == http.StatusOK
	})
	fresh := "Bearer " + l.token(t, l.origin, newSecret)
	eventually(t, 20*time.Second, "the old token is refused", func() bool {
		status, _, _ := l.get(t, l.origin, token)
		return status == http.StatusUnauthorized
	})
	passes("the old secret", l.origin, "Bearer "+theSecret, http.StatusUnauthorized)
	passes("the new token", l.origin, fresh, http.StatusOK)
	passes("the new token at a replica", replica.origin, fresh, http.StatusOK)

	without := l.again(t, "other")
	passes("after its client is removed", without.origin, fresh, http.StatusUnauthorized)
	passes("the other client", without.origin, "Bearer the-secret-of-the-other-one", http.StatusOK)
}

// Whoever guesses is told so in Entra's words, and soon no more.
func TestWrongClientSecrets(t *testing.T) {
	t.Parallel()
	l := serveClients(t, simulator.Options{})
	endpoint := l.origin + "/" + l.s.TenantID() + "/oauth2/v2.0/token"
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {theClient}, "scope": {l.origin + "/.default"}}
	limited := 0
	for i := range 40 {
		form.Set("client_secret", fmt.Sprintf("a-guess-%d", i))
		status, header, a := l.ask(t, endpoint, form)
		switch {
		case status == http.StatusUnauthorized && limited == 0:
			if a.Error != "invalid_client" || len(a.Codes) != 1 || a.Codes[0] != 7000215 || !strings.HasPrefix(a.Description, "AADSTS7000215: ") {
				t.Fatalf("a wrong secret: %+v", a)
			}
		case status == http.StatusTooManyRequests && header.Get("Retry-After") != "":
			limited++
		default:
			t.Fatalf("guess %d: %d %+v", i, status, a)
		}
	}
	if limited < 10 || limited > 35 {
		t.Errorf("%d of 40 guesses were turned away", limited)
	}
	// Who has a token is not kept out by somebody else's guesses.
	other := "Bearer the-secret-of-the-other-one"
	if status, _, body := l.get(t, l.origin, other); status != http.StatusOK {
		t.Errorf("another client meanwhile: %d %s", status, body)
	}
}

// challenge: true asks for credentials, and takes any.
func TestChallengeWithoutClients(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	l := &local{s: s, c: newClient(t), proxy: serve(t, s, "DVPROXY_CONFIG="+configFile(t, "environments:\n  - challenge: true\n"))}
	status, header, _ := l.get(t, l.origin, "")
	if want := "Bearer authorization_uri=" + l.origin + "/" + s.TenantID() + "/oauth2/authorize, resource_id=" + l.origin + "/"; status != http.StatusUnauthorized || header.Get("WWW-Authenticate") != want {
		t.Errorf("without credentials: %d %q, want 401 %q", status, header.Values("WWW-Authenticate"), want)
	}
	credentials := map[string]string{"a local token": "Bearer " + l.token(t, l.origin, "anything"), "any token": "Bearer anything-at-all"}
	for name, authorization := range credentials {
		if status, _, body := l.get(t, l.origin, authorization); status != http.StatusOK {
			t.Errorf("with %s: %d %s", name, status, body)
		}
	}
	l.neverUpstream(t, credentials)
}
