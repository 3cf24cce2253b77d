package localtoken_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/localtoken"
)

func TestProtect(t *testing.T) {
	l := listen(t, "contoso", nightly())
	token := l.token(t)
	tests := []struct {
		name string
		in   []string // Authorization
		want bool     // it passes
	}{
		{"token", []string{"Bearer " + token}, true},
		{"any case", []string{"bearer " + token}, true},
		{"more spaces", []string{"Bearer   " + token + " "}, true},
		{"Basic", []string{basic("nightly", secret)}, true},
		{"secret alone", []string{"Bearer " + secret}, true},
		{"nothing", nil, false},
		{"empty", []string{""}, false},
		{"scheme alone", []string{"Bearer"}, false},
		{"two", []string{"Bearer " + token, "Bearer " + token}, false},
		{"another scheme", []string{"Negotiate " + token}, false},
		{"token alone", []string{token}, false},
		{"wrong secret", []string{basic("nightly", "wrong")}, false},
		{"another's secret", []string{basic("nightly", "another")}, false},
		{"no secret", []string{basic("nightly", "")}, false},
		{"unknown id", []string{basic("ghost", secret)}, false},
		{"token as a password", []string{basic("nightly", token)}, false},
		{"malformed Basic", []string{"Basic !"}, false},
		{"wrong secret alone", []string{"Bearer wrong"}, false},
		{"Entra's token", []string{"Bearer eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJ4In0.c2ln"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "https://localhost:7080/api", nil)
			if tt.in != nil {
				r.Header["Authorization"] = tt.in
			}
			w := l.do(r)
			if got := passed(w); got != tt.want {
				t.Fatalf("passed: %v (%d %s)", got, w.Code, w.Body)
			}
			if !tt.want && (w.Code != http.StatusUnauthorized || w.Header().Get("X-Code") != "client_unauthorized") {
				t.Errorf("answered %d %q", w.Code, w.Header().Get("X-Code"))
			}
			if client, err := l.Authenticate(r); tt.want != (client == "Nightly") || tt.want != (err == nil) {
				t.Errorf("client %q, error %v", client, err)
			}
		})
	}
}

// TestChallenge reads the challenge as AuthorityResolver.cs of Microsoft's
// client does: the first one must be Bearer, both keys must be there, and the
// authority is what comes before oauth2/authorize.
func TestChallenge(t *testing.T) {
	anybody := localtoken.Options{Challenge: true}
	named := nightly()
	named.Tenant = tenant
	public := nightly()
	public.Origin = func(*http.Request) string { return "https://gateway.contoso.com" }
	const rejected = "error=invalid_token, error_description=Error during token validation!, "
	const here = "authorization_uri=https://localhost:7080/common/oauth2/authorize, resource_id=https://localhost:7080/"
	const askBasic = `Basic realm="dvproxy"`
	tests := []struct {
		name          string
		options       localtoken.Options
		authorization string
		want          []string
	}{
		{"no credentials", nightly(), "", []string{"Bearer " + here, askBasic}},
		{"a wrong token", nightly(), "Bearer eyJ0.e30.x", []string{"Bearer " + rejected + here, askBasic}},
		{"tenant", named, "", []string{"Bearer " + strings.ReplaceAll(here, "common", tenant), askBasic}},
		{"public origin", public, "", []string{"Bearer " + strings.ReplaceAll(here, "localhost:7080", "gateway.contoso.com"), askBasic}},
		{"anybody", anybody, "", []string{"Bearer " + here}},
		{"anybody, blank", anybody, " ", []string{"Bearer " + here}},
		{"anybody with something", anybody, "Bearer x", nil},
		{"nobody is asked", localtoken.Options{}, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			passed, w := listen(t, "contoso", tt.options).asks(tt.authorization)
			got := w.Header()["Www-Authenticate"]
			if passed != (tt.want == nil) || strings.Join(got, "\n") != strings.Join(tt.want, "\n") {
				t.Errorf("passed: %v, challenged with\n%s\nwant\n%s", passed, strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestDiscoveryLeadsToAToken walks the way of a client that knows nothing but
// the environment's URL.
func TestDiscoveryLeadsToAToken(t *testing.T) {
	l := listen(t, "contoso", nightly())
	_, w := l.asks("")
	challenge, _ := strings.CutPrefix(w.Header()["Www-Authenticate"][0], "Bearer ")
	keys := map[string]string{}
	for pair := range strings.SplitSeq(challenge, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		keys[key] = value
	}
	authority, err := url.Parse(strings.Replace(keys["authorization_uri"], "oauth2/authorize", "", 1))
	if err != nil || authority.Host != "localhost:7080" {
		t.Fatalf("authority %v, %v", authority, err)
	}
	w = l.post(authority.Path+"oauth2/v2.0/token", credentials("scope", keys["resource_id"]+"/.default"))
	token := text(object(t, w)["access_token"])
	if !opens(l, token) {
		t.Fatalf("the token opens nothing (%d)", w.Code)
	}
	if got := part(t, token, 1)["aud"]; got != keys["resource_id"] {
		t.Errorf("aud %v, want %s", got, keys["resource_id"])
	}
}

func TestOriginIsTheRequests(t *testing.T) {
	l := listen(t, "contoso", nightly())
	for in, want := range map[string]string{
		"http://localhost:7080/api":  "http://localhost:7080/",
		"https://[::1]:7080/api":     "https://[::1]:7080/",
		"https://gateway/api":        "https://gateway/",
		"http://a,b=\"c\"/api":       "http://localhost/", // which a guard refuses before
		"http://x, y=evil.com/z/api": "http://localhost/",
	} {
		r := httptest.NewRequest(http.MethodGet, "/api", nil)
		scheme, host, _ := strings.Cut(in, "://")
		r.Host = strings.TrimSuffix(host, "/api")
		if scheme == "https" {
			r = httptest.NewRequest(http.MethodGet, in, nil)
		}
		_, after, _ := strings.Cut(l.do(r).Header()["Www-Authenticate"][0], "resource_id=")
		if after != want {
			t.Errorf("%s: resource_id=%s, want %s", in, after, want)
		}
	}
}

// TestTokenHolds: for its whole lifetime, after a restart, and at every replica.
func TestTokenHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := listen(t, "contoso", nightly()).token(t)
		other := listen(t, "contoso", nightly())
		time.Sleep(30*24*time.Hour - time.Second)
		if !opens(other, token) {
			t.Error("the token is refused before its end")
		}
		time.Sleep(time.Second)
		passed, w := other.asks("Bearer " + token)
		if passed {
			t.Error("the token is let pass after its end")
		}
		if !strings.Contains(w.Body.String(), "expired") {
			t.Errorf("the refusal does not say why: %s", w.Body)
		}
	})
}

func TestLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := nightly()
		o.Lifetime = 90 * time.Second
		l := listen(t, "contoso", o)
		w := l.post(v2(), credentials())
		if got := object(t, w)["expires_in"]; got != 90.0 {
			t.Errorf("expires_in %v", got)
		}
		time.Sleep(90 * time.Second)
		if opens(l, text(object(t, w)["access_token"])) {
			t.Error("the token outlived its lifetime")
		}
	})
}

// TestTokenOfTheFuture: from a replica whose clock is ahead. Each bubble begins
// at the same time.
func TestTokenOfTheFuture(t *testing.T) {
	for ahead, want := range map[time.Duration]bool{5 * time.Minute: true, 6 * time.Minute: false} {
		var token string
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(ahead)
			token = listen(t, "contoso", nightly()).token(t)
		})
		synctest.Test(t, func(t *testing.T) {
			if passed, w := listen(t, "contoso", nightly()).asks("Bearer " + token); passed != want {
				t.Errorf("%v ahead: passed: %v (%s)", ahead, passed, w.Body)
			}
		})
	}
}

// TestTokenIsBound: to the environment, the client and its secret.
func TestTokenIsBound(t *testing.T) {
	token := listen(t, "contoso", nightly()).token(t)
	client := func(id, s string) localtoken.Options {
		return localtoken.Options{Clients: []localtoken.Client{{ID: id, Secret: fixed(s)}}}
	}
	tests := []struct {
		name        string
		environment string
		options     localtoken.Options
		want        bool
	}{
		{"the same", "contoso", client("nightly", secret), true},
		{"another environment", "fabrikam", client("nightly", secret), false},
		{"another client with that secret", "contoso", client("hourly", secret), false},
		{"another secret", "contoso", client("nightly", secret+"2"), false},
		{"the client is gone", "contoso", client("hourly", "another"), false},
	}
	for _, tt := range tests {
		if got := opens(listen(t, tt.environment, tt.options), token); got != tt.want {
			t.Errorf("%s: passed: %v", tt.name, got)
		}
	}
	forAnybody := listen(t, "contoso", localtoken.Options{}).token(t, "client_secret", secret)
	if opens(listen(t, "contoso", nightly()), forAnybody) {
		t.Error("a token that nobody was asked for is let pass where clients are known")
	}
}

func TestMistakesInOptions(t *testing.T) {
	ok := func(http.ResponseWriter, *http.Request, localtoken.Refusal) {}
	s := fixed("x")
	tests := []struct {
		name string
		in   localtoken.Options
		want string
	}{
		{"no id", localtoken.Options{OnRefusal: ok, Clients: []localtoken.Client{{Secret: s}}}, "client 1 has no id"},
		{"no secret", localtoken.Options{OnRefusal: ok, Clients: []localtoken.Client{{ID: "a"}}}, `client "a" has no secret`},
		{"twice", localtoken.Options{OnRefusal: ok, Clients: []localtoken.Client{{ID: "a", Secret: s}, {ID: "A", Secret: s}}}, `two clients with the id "A"`},
		{"lifetime", localtoken.Options{Lifetime: time.Millisecond}, "under a second"},
		{"negative lifetime", localtoken.Options{Lifetime: -time.Hour}, "under a second"},
		{"tenant", localtoken.Options{Tenant: "a/b"}, `"a/b" is no tenant`},
		{"no OnRefusal", localtoken.Options{Challenge: true}, "OnRefusal is not set"},
	}
	for _, tt := range tests {
		if _, err := localtoken.New("contoso", tt.in); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}
