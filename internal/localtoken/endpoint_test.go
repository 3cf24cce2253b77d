package localtoken_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dvproxy/internal/localtoken"
)

func TestAnswers(t *testing.T) {
	const user = resource + "/user_impersonation openid offline_access"
	tests := []struct {
		name string
		path string
		in   url.Values
		want map[string]any // beside tokens
		has  []string       // tokens
	}{
		{
			"version 2", v2(), credentials(),
			map[string]any{"token_type": "Bearer", "expires_in": 2592000.0, "ext_expires_in": 2592000.0}, nil,
		},
		{
			"version 1", v1(), credentials("scope", "", "resource", resource),
			map[string]any{
				"token_type": "Bearer", "expires_in": "2592000", "ext_expires_in": "2592000",
				"expires_on": "949276800", "not_before": "946684500", "resource": resource,
			}, nil,
		},
		{
			"a program is given no refresh token", v2(), credentials("scope", user),
			map[string]any{"token_type": "Bearer", "expires_in": 2592000.0, "ext_expires_in": 2592000.0}, nil,
		},
		{
			"password, version 1", v1(), url.Values{"grant_type": {"password"}, "client_id": {"51f81489"}, "username": {"nightly"}, "password": {secret}, "resource": {resource}},
			map[string]any{
				"token_type": "Bearer", "expires_in": "2592000", "ext_expires_in": "2592000", "scope": "user_impersonation",
				"expires_on": "949276800", "not_before": "946684500", "resource": resource,
			}, []string{"id_token", "refresh_token"},
		},
		{
			"password, version 2", v2(), credentials("grant_type", "password", "username", "ada@contoso.com", "password", "x", "scope", user, "client_info", "1"),
			map[string]any{"token_type": "Bearer", "expires_in": 2592000.0, "ext_expires_in": 2592000.0, "scope": user},
			[]string{"client_info", "id_token", "refresh_token"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := listen(t, "contoso", nightly())
				w := l.post(tt.path, tt.in)
				got := object(t, w)
				if w.Code != http.StatusOK || !opens(l, text(got["access_token"])) {
					t.Fatalf("answered %d %v", w.Code, slices.Sorted(maps.Keys(got)))
				}
				for _, name := range append(tt.has, "access_token") {
					if text(got[name]) == "" {
						t.Errorf("there is no %s", name)
					}
					delete(got, name)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("want -, got +\n%s", diff)
				}
			})
		})
	}
}

func opens(l *listener, token string) bool {
	passed, _ := l.asks("Bearer " + token)
	return passed
}

func TestTokenIsAsClientsExpect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := listen(t, "contoso", nightly()).token(t)
		header := part(t, token, 0)
		if header["typ"] != "JWT" || header["alg"] != "HS256" || text(header["kid"]) == "" {
			t.Errorf("header %v", header)
		}
		got := part(t, token, 1)
		if got["oid"] != got["sub"] || len(text(got["oid"])) != 36 {
			t.Errorf("oid %v, sub %v", got["oid"], got["sub"])
		}
		delete(got, "oid")
		delete(got, "sub")
		want := map[string]any{
			"exp": 949276800.0, "nbf": 946684500.0, "iat": 946684800.0,
			"aud": resource, "iss": "https://localhost:7080/" + tenant + "/v2.0", "tid": tenant,
			"appid": "Nightly", "appidacr": "1", "ver": "1.0",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want -, got +\n%s", diff)
		}
	})
}

func TestCredentialsInAllForms(t *testing.T) {
	l := listen(t, "contoso", localtoken.Options{Clients: append(nightly().Clients, localtoken.Client{ID: "bare", Secret: fixed("100%;/x")})})
	const bare = "grant_type=client_credentials"
	tests := []struct {
		name, body, authorization string
	}{
		{"form", credentials().Encode(), ""},
		{"form, not encoded", bare + "&client_id=bare&client_secret=100%;/x", ""},
		{"form, line end", credentials().Encode() + "\r\n", ""},
		{"form, the first of two", bare + "&client_id=nightly&client_secret=" + url.QueryEscape(secret) + "&client_secret=x", ""},
		{"form, any case of the id", credentials("client_id", "NIGHTLY").Encode(), ""},
		{"Basic", bare, basic("nightly", secret)},
		{"Basic, encoded", bare, basic("nightly", url.QueryEscape(secret))},
		{"Basic and client_id", bare + "&client_id=nightly", basic("nightly", secret)},
		{"Basic without a secret", credentials().Encode(), basic("nightly", "")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := post(v2(), tt.body)
			if tt.authorization != "" {
				r.Header.Set("Authorization", tt.authorization)
			}
			if w := l.do(r); w.Code != http.StatusOK {
				t.Errorf("answered %d %v", w.Code, object(t, w)["error_description"])
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	l := listen(t, "contoso", nightly())
	long := strings.Repeat("x", 600)
	tests := []struct {
		name   string
		path   string
		in     url.Values
		status int
		error  string
		code   float64
	}{
		{"wrong secret", v2(), credentials("client_secret", "wrong"), 401, "invalid_client", 7000215},
		{"unknown id", v2(), credentials("client_id", "ghost"), 401, "invalid_client", 7000215},
		{"another's secret", v2(), credentials("client_secret", "another"), 401, "invalid_client", 7000215},
		{"no secret", v2(), credentials("client_secret", ""), 401, "invalid_client", 7000218},
		{"assertion", v2(), credentials("client_secret", "", "client_assertion", "a.b.c"), 401, "invalid_client", 7000218},
		{"no id", v2(), credentials("client_id", ""), 400, "invalid_request", 900144},
		{"no grant type", v2(), credentials("grant_type", ""), 400, "invalid_request", 900144},
		{"code grant", v2(), credentials("grant_type", "authorization_code"), 400, "unsupported_grant_type", 70003},
		{"no refresh token", v2(), credentials("grant_type", "refresh_token"), 400, "invalid_request", 900144},
		{"foreign refresh token", v2(), credentials("grant_type", "refresh_token", "refresh_token", "0.abc"), 400, "invalid_grant", 70000},
		{"wrong password", v1(), url.Values{"grant_type": {"password"}, "username": {"nightly"}, "password": {"x"}}, 401, "invalid_client", 7000215},
		{"tenant", "/a%20b/oauth2/token", credentials(), 400, "invalid_request", 90002},
		{"long resource", v1(), credentials("resource", long), 400, "invalid_request", 90100},
		{"long id", v2(), credentials("client_id", long), 400, "invalid_request", 90100},
		{"long body", v2(), credentials("x", strings.Repeat("x", 65<<10)), 413, "invalid_request", 90100},
		{"nothing", v2(), nil, 400, "invalid_request", 900144},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := l.post(tt.path, tt.in)
			got := object(t, w)
			description := text(got["error_description"])
			if w.Code != tt.status || got["error"] != tt.error || !cmp.Equal(got["error_codes"], []any{tt.code}) {
				t.Errorf("answered %d %v", w.Code, got)
			}
			if !strings.HasPrefix(description, fmt.Sprintf("AADSTS%.0f: ", tt.code)) || !strings.Contains(description, " Trace ID: "+text(got["trace_id"])+" Correlation ID: ") {
				t.Errorf("description %q", description)
			}
			if w.Header()["x-ms-request-id"][0] != got["trace_id"] {
				t.Error("the trace id is not that of the answer")
			}
			if got["access_token"] != nil {
				t.Error("there is a token")
			}
		})
	}
}

// TestRefusalTellsNothing: an unknown id is answered as a wrong secret is.
func TestRefusalTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, "contoso", nightly())
		answer := func(id string) string {
			w := l.post(v2(), credentials("client_id", id, "client_secret", "wrong"))
			got := object(t, w)
			for _, name := range []string{"trace_id", "correlation_id"} {
				for key, value := range got {
					if s, ok := value.(string); ok && key != name {
						got[key] = strings.ReplaceAll(strings.ReplaceAll(s, text(got[name]), ""), id, "")
					}
				}
				delete(got, name)
			}
			b, _ := json.Marshal(got)
			return fmt.Sprint(w.Code, string(b), len(w.Header()))
		}
		if known, unknown := answer("nightly"), answer("ghosts!"); known != unknown {
			t.Errorf("known id   %s\nunknown id %s", known, unknown)
		}
	})
}

func TestHeaders(t *testing.T) {
	l := listen(t, "contoso", nightly())
	const id = "c81b5efd-9f50-459c-86e6-63876d8d2e7c"
	for _, form := range []url.Values{credentials(), credentials("client_secret", "wrong")} {
		r := post(v2(), form.Encode())
		r.Header.Set("Client-Request-Id", id)
		w := l.do(r)
		for name, want := range map[string]string{
			"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store, no-cache", "Pragma": "no-cache",
			"Www-Authenticate": "", "Strict-Transport-Security": "", "Set-Cookie": "",
		} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%d: %s: %q, want %q", w.Code, name, got, want)
			}
		}
		if got := w.Header()["client-request-id"]; !slices.Equal(got, []string{id}) {
			t.Errorf("client-request-id: %q", got)
		}
	}
	r := post(v2(), "grant_type=client_credentials")
	r.Header.Set("Authorization", basic("nightly", "wrong"))
	if got := l.do(r).Header().Get("Www-Authenticate"); got != `Basic realm="dvproxy"` {
		t.Errorf("to Basic: WWW-Authenticate: %q", got)
	}
}

func TestOnlyPost(t *testing.T) {
	l := listen(t, "contoso", nightly())
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		w := l.do(httptest.NewRequest(method, v2()+"?"+credentials().Encode(), nil))
		if w.Code != http.StatusBadRequest || w.Header().Get("Allow") != "POST" {
			t.Errorf("%s: answered %d, Allow: %q", method, w.Code, w.Header().Get("Allow"))
		}
		if method == "HEAD" && w.Body.Len() > 0 {
			t.Error("HEAD: there is a body")
		}
	}
}

// TestAnybody: without clients every id and secret gets a token, and none of
// them is used or logged.
func TestAnybody(t *testing.T) {
	var log bytes.Buffer
	o := localtoken.Options{Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, "contoso", o)
		a, b := l.token(t, "client_secret", "hunter2"), l.token(t, "client_secret", "12345")
		if a != b {
			t.Error("the token depends on the secret: it would help in guessing it")
		}
		l.token(t, "client_secret", "")
		l.token(t, "client_secret", "", "client_assertion", "a.b.c")
		w := l.post(v1(), url.Values{"grant_type": {"password"}, "client_id": {"x"}, "username": {"ada@contoso.com"}, "password": {"hunter2"}})
		refresh := text(object(t, w)["refresh_token"])
		if w = l.post(v1(), url.Values{"grant_type": {"refresh_token"}, "client_id": {"x"}, "refresh_token": {refresh}}); w.Code != http.StatusOK {
			t.Errorf("refresh: answered %d", w.Code)
		}
		if got := part(t, text(object(t, w)["access_token"]), 1)["upn"]; got != "ada@contoso.com" {
			t.Errorf("after the refresh the user is %v", got)
		}
	})
	for _, word := range []string{"hunter2", "12345", "nightly", "ada", "eyJ"} {
		if strings.Contains(log.String(), word) {
			t.Errorf("%q is in the log:\n%s", word, &log)
		}
	}
	if !strings.Contains(log.String(), "local token issued") {
		t.Error("nothing was logged")
	}
}

func TestNothingSecretIsLogged(t *testing.T) {
	var log bytes.Buffer
	o := nightly()
	o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	l := listen(t, "contoso", o)
	token := l.token(t)
	l.post(v2(), credentials("client_secret", "wr0ng"))
	l.post(v2(), credentials("client_id", "1dwhichisasecret"))
	l.asks("Bearer " + token + "x")
	l.asks(basic("nightly", "wr0ng"))
	for _, word := range []string{secret, "s3cr", "wr0ng", "1dwhich", "eyJ"} {
		if strings.Contains(log.String(), word) {
			t.Errorf("%q is in the log:\n%s", word, &log)
		}
	}
	if !strings.Contains(log.String(), `"client":"Nightly"`) || !strings.Contains(log.String(), `"aadsts":7000215`) {
		t.Errorf("the log says too little:\n%s", &log)
	}
}

func TestRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, "contoso", nightly())
		w := l.post(v1(), url.Values{"grant_type": {"password"}, "client_id": {"x"}, "username": {"nightly"}, "password": {secret}})
		first := object(t, w)
		if opens(l, text(first["refresh_token"])) {
			t.Error("a refresh token was taken for an access token")
		}
		if opens(l, text(first["id_token"])) {
			t.Error("an id token was taken for an access token")
		}
		renew := func(token any) *httptest.ResponseRecorder {
			return l.post(v1(), url.Values{"grant_type": {"refresh_token"}, "client_id": {"x"}, "refresh_token": {text(token)}})
		}
		if w := renew(first["access_token"]); w.Code != http.StatusBadRequest {
			t.Errorf("an access token as a refresh token: answered %d", w.Code)
		}
		time.Sleep(31 * 24 * time.Hour)
		if opens(l, text(first["access_token"])) {
			t.Error("the token outlived its lifetime")
		}
		w = renew(first["refresh_token"])
		second := object(t, w)
		if w.Code != http.StatusOK || !opens(l, text(second["access_token"])) || text(second["refresh_token"]) == "" {
			t.Fatalf("answered %d %v", w.Code, slices.Sorted(maps.Keys(second)))
		}
		time.Sleep(30 * 24 * time.Hour)
		if w := renew(first["refresh_token"]); w.Code != http.StatusBadRequest {
			t.Errorf("after its lifetime: answered %d", w.Code)
		}
		if w := renew(second["refresh_token"]); w.Code != http.StatusOK {
			t.Errorf("the newer one: answered %d", w.Code)
		}
	})
}
