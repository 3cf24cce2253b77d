package simulator_test

import (
	"fmt"
	"net/http"
	"net/url"

	"dvproxy/internal/simulator"
)

// A whole run: sign in, write, and ask the tenant what happened.
func Example() {
	tenant, err := simulator.Start(simulator.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tenant.Close()

	resp, err := http.PostForm(tenant.EntraURL+"/"+tenant.TenantID()+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {tenant.ClientID()}, "client_secret": {tenant.ClientSecret()},
		"scope": {tenant.DataverseURL + "/.default"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode, tenant.Stats().TokenCalls["issued"])
	// Output: 200 1
}

// The common mistake: a token for one environment opens no other, though both
// belong to the same tenant.
func ExampleTenant_IssueToken() {
	tenant := simulator.New(simulator.Options{Origin: "https://contoso.crm.dynamics.com"})
	r, err := http.NewRequest("GET", "https://contoso.crm.dynamics.com/api/data/v9.2/WhoAmI", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, resource := range []string{"https://contoso.crm.dynamics.com", "https://fabrikam.crm.dynamics.com"} {
		r.Header.Set("Authorization", "Bearer "+tenant.IssueToken(resource))
		w := &status{header: http.Header{}}
		r.RequestURI = r.URL.RequestURI()
		tenant.Dataverse().ServeHTTP(w, r)
		fmt.Println(resource, w.code)
	}
	// Output:
	// https://contoso.crm.dynamics.com 200
	// https://fabrikam.crm.dynamics.com 401
}

type status struct {
	header http.Header
	code   int
}

func (s *status) Header() http.Header         { return s.header }
func (s *status) WriteHeader(code int)        { s.code = code }
func (s *status) Write(p []byte) (int, error) { return len(p), nil }
