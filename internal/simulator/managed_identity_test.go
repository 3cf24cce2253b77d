package simulator

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// get asks a machine. Headers are "Name: value".
func get(h http.Handler, target string, headers ...string) (status int, body string, header http.Header) {
	r := httptest.NewRequest("GET", target, nil)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header()
}

const metadataPath = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource="

func TestVirtualMachine(t *testing.T) {
	tenant := New(Options{Key: sharedKey(), Origin: "https://contoso.crm.dynamics.com"})
	h := tenant.VirtualMachine()
	resource := url.QueryEscape("https://contoso.crm.dynamics.com")
	for _, tt := range []struct {
		name    string
		target  string
		headers []string
		status  int
		want    string // in the body
	}{
		{"token", metadataPath + resource, []string{"Metadata: true"}, 200, `"expires_in":"3599"`},
		{"its own id", metadataPath + resource + "&client_id=" + DefaultClientID, []string{"Metadata: true"}, 200, `"access_token"`},
		{"another id", metadataPath + resource + "&client_id=x", []string{"Metadata: true"}, 400, "Identity not found"},
		{"no header", metadataPath + resource, nil, 400, "bad_request_102"},
		{"by a proxy", metadataPath + resource, []string{"Metadata: true", "X-Forwarded-For: 10.0.0.1"}, 400, "bad_request_102"},
		{"no version", strings.Replace(metadataPath, "2018", "2017", 1) + resource, []string{"Metadata: true"}, 400, "api-version"},
		{"unknown resource", metadataPath + "https://fabrikam.example", []string{"Metadata: true"}, 400, "AADSTS500011"},
		{"elsewhere", "/metadata/instance", []string{"Metadata: true"}, 404, ""},
	} {
		if status, body, _ := get(h, tt.target, tt.headers...); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s, want %d with %q", tt.name, status, body, tt.status, tt.want)
		}
	}
	if err := tenant.FailEntra(Fault{Kind: FaultStatus, Status: 410, Path: "/metadata/", Count: 1}); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := get(h, metadataPath+resource, "Metadata: true"); status != 410 {
		t.Errorf("with a fault: %d", status)
	}
	if status, _, _ := get(h, metadataPath+resource, "Metadata: true"); status != 200 {
		t.Errorf("after it: %d", status)
	}
}

func TestMachinesKeepTokens(t *testing.T) {
	tenant := New(Options{Key: sharedKey(), TokenLifetime: time.Hour})
	h := tenant.AppService("h")
	ask := func() string {
		_, body, _ := get(h, "/msi/token?api-version=2019-08-01&resource=https://contoso.example", "X-IDENTITY-HEADER: h")
		return body
	}
	first := ask()
	if !strings.Contains(first, `"client_id":"`+DefaultClientID) || strings.Contains(first, "expires_in") || ask() != first {
		t.Errorf("%s\n%s", first, ask())
	}
	tenant.SetTokenLifetime(0)
	h = tenant.AppService("h")
	if first = ask(); ask() == first {
		t.Error("a token is kept past half its life")
	}
	if status, _, _ := get(h, "/msi/token?api-version=2019-08-01&resource=x", "X-IDENTITY-HEADER: guess"); status != 403 {
		t.Errorf("with a wrong header: %d", status)
	}
	if status, body, _ := get(h, "/msi/token?api-version=2019-08-01&resource=x&client_id=x", "X-IDENTITY-HEADER: h"); status != 400 || !strings.Contains(body, "No User Assigned") {
		t.Errorf("another identity: %d %s", status, body)
	}
}

func TestArc(t *testing.T) {
	h := New(Options{Key: sharedKey()}).Arc(t.TempDir())
	target := strings.Replace(metadataPath, "2018-02-01", "2020-06-01", 1) + "https://contoso.example"
	status, _, header := get(h, target, "Metadata: true")
	path, ok := strings.CutPrefix(strings.Join(header["WWW-Authenticate"], ""), "Basic realm=")
	key, err := os.ReadFile(path)
	if status != 401 || !ok || err != nil {
		t.Fatalf("%d %v %v", status, header, err)
	}
	for i, want := range []int{401, 200, 401} { // wrong key, right one, the same again
		auth := "Authorization: Basic " + string(key)
		if i == 0 {
			auth += "x"
		}
		if status, body, _ := get(h, target, "Metadata: true", auth); status != want {
			t.Errorf("try %d: %d %s, want %d", i, status, body, want)
		}
	}
	if status, _, _ := get(h, target); status != 400 {
		t.Errorf("without the header: %d", status)
	}
	if status, _, _ := get(New(Options{Key: sharedKey()}).Arc("/nowhere/at/all"), target, "Metadata: true"); status != 500 {
		t.Errorf("no folder for keys: %d", status)
	}
}
