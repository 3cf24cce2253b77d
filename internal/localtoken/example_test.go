package localtoken_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"dvproxy/internal/localtoken"
)

// secretFile stands for reading a file anew.
func secretFile() (string, error) { return "s3cret", nil }

func Example() {
	issuer, err := localtoken.New("contoso", localtoken.Options{
		Clients: []localtoken.Client{{ID: "nightly-import", Secret: secretFile}},
		OnRefusal: func(w http.ResponseWriter, _ *http.Request, r localtoken.Refusal) {
			http.Error(w, "dvproxy."+r.Code, r.Status)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	for _, route := range issuer.Routes() {
		mux.Handle(route.Pattern, route.Handler)
	}
	// The common mistake: routes behind Protect. A client would need a token to
	// fetch one.
	mux.Handle("/", issuer.Protect(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "forwarded")
	})))
	server := httptest.NewServer(mux)
	defer server.Close()

	resp, err := http.PostForm(server.URL+"/common/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"nightly-import"}, "client_secret": {"s3cret"},
		"scope": {"https://contoso.crm.dynamics.com/.default"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var token struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	fmt.Println(json.NewDecoder(resp.Body).Decode(&token), strings.Count(token.AccessToken, "."), token.ExpiresIn)

	for _, authorization := range []string{"", "Bearer " + token.AccessToken} {
		r := httptest.NewRequest(http.MethodGet, "/api/data/v9.2/WhoAmI", nil)
		r.Header.Set("Authorization", authorization)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// <nil> 2 2592000
	// 401 dvproxy.client_unauthorized
	// 200 forwarded
}
