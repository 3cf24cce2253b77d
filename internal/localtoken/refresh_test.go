package localtoken_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

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
