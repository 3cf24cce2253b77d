package localtoken_test

import (
	"bytes"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

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
			map[string]any{"token_type": "Bearer", "expires_in": 2592000.0, "ext_expires_in": 2592000.0},
			nil,
		},
		{
			"version 1", v1(), credentials("scope", "", "resource", resource),
			map[string]any{
				"token_type": "Bearer", "expires_in": "2592000", "ext_expires_in": "2592000",
				"expires_on": "949276800", "not_before": "946684500", "resource": resource,
			},
			nil,
		},
		{
			"a program is given no refresh token", v2(), credentials("scope", user),
			map[string]any{"token_type": "Bearer", "expires_in": 2592000.0, "ext_expires_in": 2592000.0},
			nil,
		},
		{
			"password, version 1", v1(),
			url.Values{"grant_type": {"password"}, "client_id": {"51f81489"}, "username": {"nightly"}, "password": {secret}, "resource": {resource}},
			map[string]any{
				"token_type": "Bearer", "expires_in": "2592000", "ext_expires_in": "2592000", "scope": "user_impersonation",
				"expires_on": "949276800", "not_before": "946684500", "resource": resource,
			},
			[]string{"id_token", "refresh_token"},
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
