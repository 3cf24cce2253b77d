package credential_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/credential"
)

const canary = "s3cr3t~canary+/= &%"

func fixed(secret string) credential.Secret {
	return func() (string, error) { return secret, nil }
}

// endpoint serves h as a token endpoint and returns a source that asks it.
func endpoint(t *testing.T, h http.HandlerFunc) *credential.ClientSecret {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return credential.NewClientSecret(server.URL+"/tenant/oauth2/v2.0/token", "app", "https://contoso.crm.dynamics.com/.default", fixed(canary), credential.ClientSecretOptions{})
}

// answer is a handler that gives one answer.
func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestRequestOnTheWire(t *testing.T) {
	var form url.Values
	var request *http.Request
	source := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form, request = r.PostForm, r
		answer(200, "application/json; charset=utf-8", `{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"tok"}`)(w, r)
	})
	token, err := source.Token(t.Context(), `{"access_token":{}}`)
	if err != nil {
		t.Fatal(err)
	}
	if token.AccessToken != "tok" || token.ExpiresIn != 3599 {
		t.Errorf("token %q for %d s, want tok for 3599 s", token.AccessToken, token.ExpiresIn)
	}
	want := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {canary},
		"scope": {"https://contoso.crm.dynamics.com/.default"}, "claims": {`{"access_token":{}}`},
	}
	if form.Encode() != want.Encode() {
		t.Errorf("form %q\nwant %q", form.Encode(), want.Encode())
	}
	if request.Method != "POST" || request.Header.Get("Authorization") != "" {
		t.Errorf("%s with Authorization %q, want a POST without", request.Method, request.Header.Get("Authorization"))
	}
}

func TestLifetime(t *testing.T) {
	jwt := func(iat, exp int) string { // seconds from now
		now := int(time.Now().Unix())
		payload := fmt.Sprintf(`{"iat":%d,"exp":%d}`, now+iat, now+exp)
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".sig"
	}
	tests := []struct {
		name    string
		in      string
		want    int64
		refresh any
	}{
		{"number", `{"access_token":"t","token_type":"Bearer","expires_in":3599}`, 3599, nil},
		{"string, as the v1 endpoint has it", `{"access_token":"t","token_type":"Bearer","expires_in":"3599"}`, 3599, nil},
		{"with refresh_in", `{"access_token":"t","token_type":"bearer","expires_in":86399,"refresh_in":43199}`, 86399, int64(43199)},
		{"missing, JWT tells", `{"access_token":"` + jwt(0, 3600) + `","token_type":"Bearer"}`, 3600, nil},
		{"missing, JWT is dated back as Entra does", `{"access_token":"` + jwt(-300, 3600) + `","token_type":"Bearer"}`, 3600, nil},
		{"missing, our clock is behind", `{"access_token":"` + jwt(9000, 12600) + `","token_type":"Bearer"}`, 3600, nil},
		{"zero, JWT tells", `{"access_token":"` + jwt(0, 3600) + `","token_type":"Bearer","expires_in":0}`, 3600, nil},
		{"missing, our clock is ahead", `{"access_token":"` + jwt(-9000, -5400) + `","token_type":"Bearer"}`, 300, nil},
		{"missing, JWT that ends before it begins", `{"access_token":"` + jwt(5000, 4600) + `","token_type":"Bearer"}`, 300, nil},
		{"missing, JWT without numbers", `{"access_token":"e30.e30.sig","token_type":"Bearer"}`, 300, nil},
		{"missing, opaque token", `{"access_token":"t","token_type":"Bearer"}`, 300, nil},
		{"no token type is a bearer token", `{"access_token":"t","expires_in":60}`, 60, nil},
		{"absurd", `{"access_token":"t","expires_in":2147483647}`, 7 * 24 * 3600, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, err := endpoint(t, answer(200, "application/json", tt.in)).Token(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			if off := tt.want - token.ExpiresIn; off < 0 || off > 2 || // the second may have turned
				token.Extra("refresh_in") != tt.refresh {
				t.Errorf("lifetime %d, refresh_in %v; want %d, %v", token.ExpiresIn, token.Extra("refresh_in"), tt.want, tt.refresh)
			}
		})
	}
}

// Whatever the endpoint does, the error is typed, says what it should and
// nothing that it must not.
func TestFailures(t *testing.T) {
	entra := func(code string, number int, text string) string {
		return fmt.Sprintf(`{"error":%q,"error_description":"AADSTS%d: %s BODYCANARY Trace ID: 1","error_codes":[%d]}`, code, number, text, number)
	}
	json := "application/json; charset=utf-8"
	tests := []struct {
		name      string
		in        http.HandlerFunc
		permanent bool
		aadsts    int
		after     time.Duration
		want      string // in the text
	}{
		{"wrong secret", answer(401, json, entra("invalid_client", 7000215, "Invalid client secret provided.")), true, 7000215, 0, "AADSTS7000215"},
		{"expired secret", answer(401, json, entra("invalid_client", 7000222, "expired")), true, 7000222, 0, "has expired"},
		{"unknown app", answer(400, json, entra("unauthorized_client", 700016, "not found")), true, 700016, 0, "client_id"},
		{"unknown tenant", answer(400, json, entra("invalid_request", 90002, "Tenant not found")), true, 90002, 0, "tenant_id"},
		{"unknown resource", answer(400, json, entra("invalid_resource", 500011, "resource principal")), true, 500011, 0, "check url and scope"},
		{"a code that Entra calls retryable", answer(400, json, entra("invalid_request", 90024, "RequestBudgetExceeded")), false, 90024, 0, "asked again"},
		{"temporarily_unavailable", answer(400, json, `{"error":"temporarily_unavailable"}`), false, 0, 0, "temporarily_unavailable"},
		{"error in a 200", answer(200, json, entra("invalid_client", 7000215, "x")), true, 7000215, 0, "invalid_client"},
		{"429", throttled("60"), false, 0, time.Minute, "429"},
		{"429 that goes on", throttled("86400"), false, 0, 24 * time.Hour, "429"},
		{"429 with nonsense", throttled("soon"), false, 0, 0, "429"},
		{"500", answer(500, "text/html", "<h1>BODYCANARY</h1>"), false, 0, 0, "500"},
		{"503 with a permanent code", answer(503, json, entra("invalid_client", 7000215, "x")), false, 7000215, 0, "503"},
		{"404", answer(404, "text/html", "BODYCANARY"), false, 0, 0, "token_url"},
		{"HTML", answer(200, "text/html", "<html>BODYCANARY</html>"), false, 0, 0, "not a token"},
		{"empty", answer(200, json, ``), false, 0, 0, "not a token"},
		{"no token in it", answer(200, json, `{"BODYCANARY":1}`), false, 0, 0, "not a token"},
		{"another token type", answer(200, json, `{"access_token":"BODYCANARY","token_type":"mac","expires_in":60}`), false, 0, 0, "not a bearer token"},
		{"a token no header can carry", answer(200, json, `{"access_token":"BODY\r\nCANARY","expires_in":60}`), false, 0, 0, "no header can carry"},
		{"an error code that is a body", answer(400, json, `{"error":"BODYCANARY with words"}`), false, 0, 0, "400"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, false, 0, 0, "redirect"},
		{"4 MiB of junk", answer(200, json, strings.Repeat("BODYCANARY", 4<<20/10)), false, 0, 0, "over 256 KiB"},
		{"reset", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := http.NewResponseController(w).Hijack()
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}, false, 0, 0, "no connection"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := endpoint(t, tt.in).Token(t.Context(), "")
			var e *credential.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %T %v, want a *credential.Error", err, err)
			}
			if e.Permanent() != tt.permanent || e.AADSTS != tt.aadsts || e.RetryAfter() != tt.after {
				t.Errorf("permanent %v, AADSTS%d, retry after %v; want %v, AADSTS%d, %v",
					e.Permanent(), e.AADSTS, e.RetryAfter(), tt.permanent, tt.aadsts, tt.after)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("text %q, want %q in it", err, tt.want)
			}
			for _, leak := range []string{canary, url.QueryEscape(canary), "BODYCANARY"} {
				if strings.Contains(err.Error(), leak) {
					t.Errorf("text %q holds %q", err, leak)
				}
			}
		})
	}
}

func throttled(after string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", after)
		answer(429, "application/json", "{}")(w, r)
	}
}

func TestARedirectNeverSeesTheSecret(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed: %s", r.URL)
	}))
	defer elsewhere.Close()
	source := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusPermanentRedirect)
	})
	if _, err := source.Token(t.Context(), ""); err == nil {
		t.Error("no error for a redirect")
	}
}

func TestHangEndsWithTheContext(t *testing.T) {
	source := endpoint(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = r.Body.Read(make([]byte, 1024))
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := source.Token(ctx, "")
	if err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("error %v, want one of time", err)
	}
}

func TestSecretIsReadAtEachFetch(t *testing.T) {
	var sent []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.FormValue("client_secret"))
		answer(200, "application/json", `{"access_token":"t","expires_in":60}`)(w, r)
	}))
	defer server.Close()
	secret, readErr := "old", error(nil)
	source := credential.NewClientSecret(server.URL, "app", "s", func() (string, error) { return secret, readErr }, credential.ClientSecretOptions{})
	if _, err := source.Token(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if source.Changed() {
		t.Error("changed, though it is the same")
	}
	secret = "new"
	if !source.Changed() {
		t.Error("not changed, though it is another one")
	}
	if _, err := source.Token(t.Context(), ""); err != nil || source.Changed() {
		t.Errorf("after the second fetch: %v, changed %v", err, source.Changed())
	}
	secret, readErr = "", errors.New("no such file")
	unread := credential.NewClientSecret(server.URL, "app", "s", func() (string, error) { return secret, readErr }, credential.ClientSecretOptions{})
	_, err := unread.Token(t.Context(), "")
	var e *credential.Error
	if !errors.As(err, &e) || !e.Permanent() || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v, want a permanent one that names the cause", err)
	}
	if unread.Changed() {
		t.Error("changed, though it still cannot be read")
	}
	if got := strings.Join(sent, " "); got != "old new" {
		t.Errorf("secrets sent: %q, want old and new", got)
	}
}
