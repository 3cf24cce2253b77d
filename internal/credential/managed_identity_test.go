package credential_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/credential"
)

// environ is a process's variables.
type environ map[string]string

func (e environ) get(name string) string { return e[name] }

// identity is a source for the host that the variables name.
func identity(t *testing.T, env environ, o credential.ManagedIdentityOptions) *credential.ManagedIdentity {
	t.Helper()
	o.Getenv = env.get
	source, err := credential.NewManagedIdentity(scope, o)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// A machine is a host that answers with h and keeps the requests.
func machine(t *testing.T, h http.HandlerFunc) (server *httptest.Server, requests *[]*http.Request) {
	t.Helper()
	requests = new([]*http.Request)
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*requests = append(*requests, r)
		h(w, r)
	}))
	t.Cleanup(server.Close)
	return server, requests
}

func imdsToken(w http.ResponseWriter, r *http.Request) {
	answer(200, "application/json", `{"access_token":"t","refresh_token":"","expires_in":"3599","expires_on":"`+epoch(3599)+`","token_type":"Bearer"}`)(w, r)
}

// epoch is a time as hosts write it, in seconds from now.
func epoch(seconds int) string { return fmt.Sprint(time.Now().Unix() + int64(seconds)) }

func TestVirtualMachineOnTheWire(t *testing.T) {
	server, requests := machine(t, imdsToken)
	source := identity(t, environ{"AZURE_POD_IDENTITY_AUTHORITY_HOST": server.URL + "/"}, credential.ManagedIdentityOptions{})
	token, err := source.Token(t.Context(), "")
	if err != nil || token.AccessToken != "t" || token.ExpiresIn < 3597 || token.ExpiresIn > 3599 {
		t.Fatalf("%+v, %v", token, err)
	}
	r := (*requests)[0]
	want := url.Values{"api-version": {"2018-02-01"}, "resource": {"https://contoso.crm.dynamics.com"}}
	if r.Method != "GET" || r.URL.Path != "/metadata/identity/oauth2/token" || r.URL.RawQuery != want.Encode() || r.Header.Get("Metadata") != "true" {
		t.Errorf("%s %s with Metadata %q", r.Method, r.URL, r.Header.Get("Metadata"))
	}
	source = identity(t, environ{"AZURE_POD_IDENTITY_AUTHORITY_HOST": server.URL}, credential.ManagedIdentityOptions{ClientID: "mine"})
	if _, err := source.Token(t.Context(), ""); err != nil || (*requests)[1].URL.Query().Get("client_id") != "mine" {
		t.Errorf("%v, asked %s", err, (*requests)[1].URL)
	}
}

func TestAppServiceOnTheWire(t *testing.T) {
	server, requests := machine(t, func(w http.ResponseWriter, r *http.Request) {
		answer(200, "application/json", `{"access_token":"t","client_id":"MINE","expires_on":"`+epoch(86400)+`","resource":"x","token_type":"Bearer"}`)(w, r)
	})
	source := identity(t, environ{"IDENTITY_ENDPOINT": server.URL + "/msi/token", "IDENTITY_HEADER": "h-canary"}, credential.ManagedIdentityOptions{ClientID: "mine"})
	token, err := source.Token(t.Context(), "")
	if err != nil || token.ExpiresIn < 86398 || token.ExpiresIn > 86400 {
		t.Fatalf("%+v, %v", token, err)
	}
	want := url.Values{"api-version": {"2019-08-01"}, "resource": {"https://contoso.crm.dynamics.com"}, "client_id": {"mine"}}
	if r := (*requests)[0]; r.URL.Path != "/msi/token" || r.URL.RawQuery != want.Encode() || r.Header.Get("X-IDENTITY-HEADER") != "h-canary" {
		t.Errorf("%s with X-IDENTITY-HEADER %q", r.URL, r.Header.Get("X-IDENTITY-HEADER"))
	}
}

func TestHostIsChosenByVariables(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   environ
		want string // in the host's name, or in the error
	}{
		{"none", environ{}, "instance metadata"},
		{"App Service, old variables too", environ{"IDENTITY_ENDPOINT": "http://x", "IDENTITY_HEADER": "h", "MSI_ENDPOINT": "http://x", "MSI_SECRET": "s"}, "App Service"},
		{"Azure Arc", environ{"IDENTITY_ENDPOINT": "http://x", "IMDS_ENDPOINT": "http://y"}, "Azure Arc"},
		{"Service Fabric", environ{"IDENTITY_ENDPOINT": "http://x", "IDENTITY_HEADER": "h", "IDENTITY_SERVER_THUMBPRINT": "1"}, "IDENTITY_SERVER_THUMBPRINT"},
		{"Cloud Shell", environ{"MSI_ENDPOINT": "http://x"}, "MSI_ENDPOINT"},
		{"half a set", environ{"IDENTITY_ENDPOINT": "http://x"}, "IDENTITY_HEADER"},
	} {
		source, err := credential.NewManagedIdentity(scope, credential.ManagedIdentityOptions{Getenv: tt.in.get})
		got := fmt.Sprint(err)
		if err == nil {
			got = source.Host()
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestManagedIdentityLifetimes(t *testing.T) {
	jwt := func(exp int) string {
		payload := fmt.Sprintf(`{"iat":%s,"exp":%s}`, epoch(-300), epoch(exp))
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".sig"
	}
	for _, tt := range []struct {
		name string
		in   string // beside the token
		want int64
	}{
		{"strings", `"expires_in":"3599","expires_on":"` + epoch(3599) + `"`, 3599},
		{"numbers", `"expires_in":3599,"expires_on":` + epoch(3599), 3599},
		{"kept for an hour by the host", `"expires_in":"86399","expires_on":"` + epoch(82800) + `"`, 82800},
		{"our clock is behind", `"expires_in":"3599","expires_on":"` + epoch(9000) + `"`, 3599},
		{"our clock is ahead", `"expires_in":"3599","expires_on":"` + epoch(-9000) + `"`, 3599},
		{"a date", `"expires_on":"` + time.Now().Add(time.Hour).UTC().Format("01/02/2006 15:04:05") + `"`, 3600},
		{"a date with a zone", `"expires_on":"` + time.Now().Add(time.Hour).UTC().Format("01/02/2006 15:04:05 -07:00") + `"`, 3600},
		{"RFC 3339", `"expires_on":"` + time.Now().Add(time.Hour).Format(time.RFC3339) + `"`, 3600},
		{"only the token knows", `"expires_on":"soon"`, 1800},
	} {
		server, _ := machine(t, func(w http.ResponseWriter, r *http.Request) {
			answer(200, "application/json", `{"access_token":"`+jwt(1800)+`","token_type":"Bearer",`+tt.in+`}`)(w, r)
		})
		token, err := identity(t, environ{"AZURE_POD_IDENTITY_AUTHORITY_HOST": server.URL}, credential.ManagedIdentityOptions{}).Token(t.Context(), "")
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if off := tt.want - token.ExpiresIn; off < 0 || off > 2 {
			t.Errorf("%s: %d s, want %d", tt.name, token.ExpiresIn, tt.want)
		}
	}
}

func TestManagedIdentityRefusals(t *testing.T) {
	json := "application/json; charset=utf-8"
	for _, tt := range []struct {
		name      string
		in        http.HandlerFunc
		clientID  string
		permanent bool
		want      string
	}{
		{"no identity", answer(400, json, `{"error":"invalid_request","error_description":"Identity not found"}`), "", true, "az vm identity assign --resource-group GROUP --name VM"},
		{"identity not assigned", answer(400, json, `{"error":"invalid_request","error_description":"Identity not found"}`), "id", true, "--identities"},
		{"unknown resource", answer(400, json, `{"error":"invalid_resource","error_description":"AADSTS500011: BODYCANARY"}`), "", true, "check url and scope"},
		{"error as an object", answer(400, json, `{"error":{"code":"invalid_thing","message":"BODYCANARY"}}`), "", true, "400 invalid_thing"},
		{"error without a body", answer(403, "text/plain", "BODYCANARY"), "", false, "403"},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }, "", false, "redirect"},
		{"HTML", answer(200, "text/html", "<html>BODYCANARY"), "", false, "not a token"},
		{"no token in it", answer(200, json, `{"token":"BODYCANARY"}`), "", false, "not a token"},
		{"a token no header can carry", answer(200, json, `{"access_token":"BODY\nCANARY","expires_in":"60"}`), "", false, "no header can carry"},
		{"junk", answer(200, json, strings.Repeat("BODYCANARY", 100_000)), "", false, "over 256 KiB"},
	} {
		server, requests := machine(t, tt.in)
		_, err := identity(t, environ{"AZURE_POD_IDENTITY_AUTHORITY_HOST": server.URL}, credential.ManagedIdentityOptions{ClientID: tt.clientID}).Token(t.Context(), "")
		var e *credential.Error
		if !errors.As(err, &e) || e.Permanent() != tt.permanent || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: %v, want permanent %v and %q", tt.name, err, tt.permanent, tt.want)
		}
		if len(*requests) != 1 {
			t.Errorf("%s: asked %d times", tt.name, len(*requests))
		}
	}
}

func TestNoMachineThere(t *testing.T) {
	server, _ := machine(t, imdsToken)
	server.Close()
	_, err := identity(t, environ{"AZURE_POD_IDENTITY_AUTHORITY_HOST": server.URL}, credential.ManagedIdentityOptions{}).Token(t.Context(), "")
	var e *credential.Error
	if !errors.As(err, &e) || e.Permanent() || !strings.Contains(err.Error(), "a machine in Azure only") {
		t.Errorf("error %v", err)
	}
}

// The token of the machine is nobody else's, a proxy's included. A process
// reads its proxy once, so another one asks: this test again.
func TestManagedIdentityNeverGoesThroughAProxy(t *testing.T) {
	const child = "CREDENTIAL_TEST_ASKS"
	if os.Getenv(child) != "" {
		env := environ{"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://metadata.invalid"}
		if _, err := identity(t, env, credential.ManagedIdentityOptions{}).Token(t.Context(), ""); err == nil {
			t.Error("a token from a host that is not there")
		}
		return
	}
	proxy, requests := machine(t, imdsToken)
	again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), child+"=1", "HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "NO_PROXY=", "no_proxy=")
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if len(*requests) != 0 {
		t.Errorf("the proxy saw %d requests", len(*requests))
	}
}

// arc is an agent that names the given file as its key, and wants its contents.
func arc(t *testing.T, path, key string) (environ, *[]*http.Request) {
	t.Helper()
	server, requests := machine(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Basic "+key {
			w.Header().Set("WWW-Authenticate", "Basic realm="+path)
			answer(401, "text/html", "")(w, r)
			return
		}
		imdsToken(w, r)
	})
	return environ{"IDENTITY_ENDPOINT": server.URL + "/metadata/identity/oauth2/token", "IMDS_ENDPOINT": server.URL}, requests
}

func TestArcOnTheWire(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "abc.key")
	if err := os.WriteFile(path, []byte("k-canary"), 0o600); err != nil {
		t.Fatal(err)
	}
	env, requests := arc(t, path, "k-canary")
	token, err := identity(t, env, credential.ManagedIdentityOptions{ArcFolder: folder}).Token(t.Context(), "")
	if err != nil || token.AccessToken != "t" {
		t.Fatalf("%v, %v", token, err)
	}
	want := url.Values{"api-version": {"2020-06-01"}, "resource": {"https://contoso.crm.dynamics.com"}}
	for i, r := range *requests {
		if r.URL.RawQuery != want.Encode() || r.Header.Get("Metadata") != "true" || (r.Header.Get("Authorization") != "") != (i == 1) {
			t.Errorf("request %d: %s, %v", i, r.URL, r.Header)
		}
	}
	if len(*requests) != 2 {
		t.Errorf("%d requests, want 2", len(*requests))
	}
	// This agent knows nothing of client ids.
	if _, err := identity(t, env, credential.ManagedIdentityOptions{ArcFolder: folder, ClientID: "mine"}).Token(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "another identity") {
		t.Errorf("with a client id: %v", err)
	}
}

// Whoever answers on the agent's port must not be able to have any file sent.
func TestArcKeyFilesThatAreNotRead(t *testing.T) {
	folder, elsewhere := t.TempDir(), t.TempDir()
	write := func(path, text string) string {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	outside := write(filepath.Join(elsewhere, "a.key"), "canary")
	link := filepath.Join(folder, "link.key")
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"another folder":   outside,
		"folder within":    write(filepath.Join(folder, "sub", "a.key"), "canary"),
		"up and away":      folder + "/../" + filepath.Base(elsewhere) + "/a.key",
		"another kind":     write(filepath.Join(folder, "a.pem"), "canary"),
		"a link":           link,
		"a folder":         filepath.Dir(write(filepath.Join(folder, "b.key", "x"), "canary")),
		"too long":         write(filepath.Join(folder, "long.key"), strings.Repeat("canary", 700)),
		"empty":            write(filepath.Join(folder, "empty.key"), ""),
		"two lines":        write(filepath.Join(folder, "lines.key"), "canary\r\nX-Injected: 1"),
		"not there":        filepath.Join(folder, "none.key"),
		"nothing":          "",
		"relative":         "a.key",
		"a share":          `\\server\share\a.key`,
		"quotes and worse": `"` + outside + `", charset="UTF-8"`,
	} {
		env, requests := arc(t, path, "canary")
		_, err := identity(t, env, credential.ManagedIdentityOptions{ArcFolder: folder}).Token(t.Context(), "")
		var e *credential.Error
		if !errors.As(err, &e) || strings.Contains(err.Error(), "canary") || len(*requests) != 1 {
			t.Errorf("%s: %v after %d requests, want an error after 1", name, err, len(*requests))
		}
	}
}
