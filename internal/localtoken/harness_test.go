package localtoken_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"dvproxy/internal/localtoken"
)

const (
	tenant   = "bd6c851f-e0dc-4d6d-ab4c-99452fe28387"
	resource = "https://contoso.crm.dynamics.com"
	secret   = "s3cr~et/+%41;x"
)

func v1() string { return "/" + tenant + "/oauth2/token" }
func v2() string { return "/" + tenant + "/oauth2/v2.0/token" }

// A listener is an issuer as it is mounted: its routes, and Protect before all
// else.
type listener struct {
	*localtoken.Issuer
	http.Handler
}

func listen(t testing.TB, environment string, o localtoken.Options) *listener {
	t.Helper()
	l := &listener{}
	o.OnRefusal = func(w http.ResponseWriter, _ *http.Request, r localtoken.Refusal) {
		w.Header().Set("X-Code", r.Code)
		http.Error(w, r.Message, r.Status)
	}
	var err error
	if l.Issuer, err = localtoken.New(environment, o); err != nil {
		t.Fatal(err)
	}
	router := chi.NewRouter()
	for _, route := range l.Routes() {
		router.Handle(route.Pattern, route.Handler)
	}
	router.NotFound(l.Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Passed", "yes") })).ServeHTTP)
	l.Handler = router
	return l
}

// fixed is a secret that does not change.
func fixed(s string) func() (string, error) { return func() (string, error) { return s, nil } }

func nightly() localtoken.Options {
	return localtoken.Options{Clients: []localtoken.Client{
		{ID: "Nightly", Secret: fixed(secret)},
		{ID: "hourly", Secret: fixed("another")},
	}}
}

func (l *listener) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	return w
}

func (l *listener) post(path string, form url.Values) *httptest.ResponseRecorder {
	return l.do(post(path, form.Encode()))
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "https://localhost:7080"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// credentials is a token request as most clients send it, but for what with
// adds or, where a value is empty, takes away.
func credentials(with ...string) url.Values {
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"nightly"}, "client_secret": {secret},
		"scope": {resource + "/.default"},
	}
	for i := 0; i < len(with); i += 2 {
		form.Del(with[i])
		if with[i+1] != "" {
			form.Set(with[i], with[i+1])
		}
	}
	return form
}

// token fetches a local token.
func (l *listener) token(t testing.TB, with ...string) string {
	t.Helper()
	w := l.post(v2(), credentials(with...))
	if w.Code != http.StatusOK {
		t.Fatalf("the token endpoint answered %d %s", w.Code, w.Body)
	}
	return text(object(t, w)["access_token"])
}

// asks sends a request with an Authorization header, unless it is empty, and
// says whether it was let pass.
func (l *listener) asks(authorization string) (ok bool, w *httptest.ResponseRecorder) {
	r := httptest.NewRequest(http.MethodGet, "https://localhost:7080/api/data/v9.2/WhoAmI", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w = l.do(r)
	return passed(w), w
}

func passed(w *httptest.ResponseRecorder) bool { return w.Header().Get("X-Passed") != "" }

func object(t testing.TB, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("answered %d, and no JSON object: %v", w.Code, err)
	}
	return v
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// part decodes a part of a token as clients do that look into it.
func part(t testing.TB, token string, n int) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("the token has %d parts", len(parts))
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[n])
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}
