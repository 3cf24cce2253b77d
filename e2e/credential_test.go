package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// A way is an environment that signs in in one way: lines of its credential
// block, beside client_id, tenant_id and authority.
type way struct {
	name       string
	credential string
}

// waysFile is a configuration file with an environment for each way, all in
// front of the same tenant. A name that a way sets itself is not set before.
func waysFile(t testing.TB, s *simulator.Server, ways []way) string {
	t.Helper()
	var yaml strings.Builder
	yaml.WriteString("environments:\n")
	for _, w := range ways {
		fmt.Fprintf(&yaml, "  - name: %s\n    url: %s\n    listen: localhost:0\n    retry: {max_wait: 1s}\n    credential:\n", w.name, s.DataverseURL)
		for _, usual := range []string{"tenant_id: " + s.TenantID(), "client_id: " + s.ClientID(), "authority: " + s.EntraURL} {
			name, _, _ := strings.Cut(usual, ":")
			if !strings.Contains("\n"+w.credential, "\n"+name+":") {
				fmt.Fprintln(&yaml, "      "+usual)
			}
		}
		for line := range strings.Lines(w.credential) {
			fmt.Fprintln(&yaml, "      "+strings.TrimSpace(line))
		}
	}
	return configFile(t, yaml.String())
}

// startWays runs all ways in one dvproxy.
func startWays(t testing.TB, s *simulator.Server, ways []way, more ...string) (p *proxy, origins map[string]string) {
	t.Helper()
	p = start(t, "proxy", append([]string{"DVPROXY_LISTEN=", "DVPROXY_CONFIG=" + waysFile(t, s, ways)}, more...), "serve")
	return p, p.origins()
}

// origins are those of all environments, by name.
func (p *proxy) origins() map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(p.allLogs()) {
		var entry struct{ Msg, Environment, Origin string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" {
			found[entry.Environment] = entry.Origin
		}
	}
	return found
}

// A kept is what a way needs of the tenant and the machine.
type kept struct {
	dir       folder
	cert      *identityFile
	chained   *identityFile
	cluster   *simulator.FederatedIssuer
	subject   string
	tokenURL1 string // of version 1
}

// trust makes certificates and an issuer, and has the tenant accept them.
func trust(t testing.TB, s *simulator.Server) kept {
	t.Helper()
	year := time.Now().Add(365 * 24 * time.Hour)
	k := kept{
		dir: newFolder(t), cert: newIdentity(t, year, nil), subject: "system:serviceaccount:default:importer",
		tokenURL1: s.EntraURL + "/" + s.TenantID() + "/oauth2/token",
	}
	k.chained = newIdentity(t, year, newIdentity(t, year, nil))
	s.SetCertificates(k.cert.certificate, k.chained.certificate)
	var err error
	if k.cluster, err = simulator.NewFederatedIssuer("https://oidc.example/cluster/"); err != nil {
		t.Fatal(err)
	}
	if err := s.SetFederatedCredentials(k.cluster.Credential(k.subject)); err != nil {
		t.Fatal(err)
	}
	return k
}

// Every way to sign in, in one process; each gets a token that Dataverse takes.
func TestEachWayToSignIn(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	k := trust(t, s)
	appService := httptest.NewServer(s.AppService("of-the-app"))
	t.Cleanup(appService.Close)
	cert, pfx := k.dir.write(t, "cert.pem", k.cert.pem()), k.dir.write(t, "cert.pfx", k.cert.pfx(t, "pass word"))
	secret := k.dir.write(t, "secret", []byte(s.ClientSecret()+"\n"))
	ways := []way{
		{"secret", "client_secret: " + s.ClientSecret()},
		{"secret-file", "client_secret_file: " + secret},
		{"next-secret", "client_secret_file: " + k.dir.write(t, "gone", []byte("an old one")) + "\nnext_client_secret_file: " + secret},
		{"next-secret-unborn", "client_secret_file: " + secret + "\nnext_client_secret_file: " + string(k.dir) + "/none"},
		{"pem", "certificate_file: " + cert},
		{"pem-rs256", "certificate_file: " + cert + "\ncertificate_algorithm: rs256"},
		{"pem-chain", "certificate_file: " + k.dir.write(t, "chain.pem", k.chained.pem()) + "\nsend_certificate_chain: true"},
		{"pfx", "certificate_file: " + pfx + "\ncertificate_password_file: " + k.dir.write(t, "password", []byte("pass word\n"))},
		{"federated", "federated_token_file: " + k.dir.write(t, "token", []byte(k.cluster.Token(k.subject, time.Hour)))},
		{"identity", "managed_identity: true\nclient_id: ''\ntenant_id: ''\nauthority: ''"},
		{"user-identity", "managed_identity: " + s.ClientID() + "\nclient_id: ''\ntenant_id: ''\nauthority: ''"},
		{"v1-secret", "token_url: " + k.tokenURL1 + "\nclient_secret_file: " + secret},
		{"v1-cert", "token_url: " + k.tokenURL1 + "\ncertificate_file: " + cert},
	}
	p, origins := startWays(t, s, ways, "IDENTITY_ENDPOINT="+appService.URL, "IDENTITY_HEADER=of-the-app")
	c := newClient(t)
	for _, w := range ways {
		if o := send(t, c, "GET", origins[w.name]+"/api/data/v9.2/WhoAmI", nil); o.status != http.StatusOK {
			t.Errorf("%s: %v", w.name, o)
		}
	}
	p.ready(t)
	if refused := s.Stats().Refused; len(refused) > 0 {
		t.Errorf("Dataverse refused %v", refused)
	}
}

func TestManagedIdentityOfAVirtualMachine(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	imds := httptest.NewServer(s.VirtualMachine())
	t.Cleanup(imds.Close)
	// The proxy of the environment must not be asked: there is none.
	p := start(t, "proxy", []string{
		"DATAVERSE_URL=" + s.DataverseURL, "DVPROXY_MANAGED_IDENTITY=true",
		"AZURE_POD_IDENTITY_AUTHORITY_HOST=" + imds.URL, "HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1",
	}, "serve")
	p.ready(t)
	if o := send(t, newClient(t), "GET", p.origin+"/api/data/v9.2/WhoAmI", nil); o.status != http.StatusOK {
		t.Errorf("answered %v", o)
	}
}

// A refused way gets Entra's own error, and what to mend, from dvproxy and from
// dvproxy check alike.
func TestEachWayRefused(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	k := trust(t, s)
	yesterday := time.Now().Add(-24 * time.Hour)
	stranger := newIdentity(t, time.Now().Add(time.Hour), nil)
	impostor, err := simulator.NewFederatedIssuer("https://oidc.example/cluster/")
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := simulator.NewFederatedIssuer("https://oidc.example/elsewhere/")
	if err != nil {
		t.Fatal(err)
	}
	expired := tenant(t, simulator.Options{})
	if err := expired.FailEntra(simulator.Fault{Kind: simulator.FaultAADSTS, Code: "7000222"}); err != nil {
		t.Fatal(err)
	}
	renamed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = "entra.example" // so that the assertion is for somewhere else
		s.Entra().ServeHTTP(w, r)
	}))
	t.Cleanup(renamed.Close)
	appService := httptest.NewServer(s.AppService("of-the-app"))
	t.Cleanup(appService.Close)
	write := func(name string, data []byte) string { return k.dir.write(t, name, data) }
	certFile, noFile := "certificate_file: "+write("cert", k.cert.pem()), "client_secret: "+s.ClientSecret()
	federated := func(name, token string) string { return "federated_token_file: " + write(name, []byte(token)) }
	tests := []struct {
		way
		words []string // of the answer: Entra's number, and the remedy
	}{
		{way{"wrong-secret", "client_secret: wrong"}, []string{"AADSTS7000215", "not its id"}},
		{way{"expired-secret", "authority: " + expired.EntraURL + "\nclient_secret: " + s.ClientSecret()}, []string{"AADSTS7000222", "has expired; add a new one"}},
		{way{"both-secrets", "client_secret_file: " + write("s", []byte("a")) + "\nnext_client_secret_file: " + write("n", []byte("b"))}, []string{"AADSTS7000215"}},
		{way{"application", "client_id: 11111111-1111-1111-1111-111111111111\n" + noFile}, []string{"AADSTS700016", "client_id"}},
		{way{"tenant", "tenant_id: 11111111-1111-1111-1111-111111111111\n" + noFile}, []string{"AADSTS90002", "tenant_id"}},
		{way{"resource", "scope: https://other.example/.default\n" + noFile}, []string{"AADSTS500011", "scope"}},
		{way{"unknown-cert", "certificate_file: " + write("stranger", stranger.pem())}, []string{"AADSTS700027", "az ad app credential reset"}},
		{way{"audience", "authority: " + renamed.URL + "\n" + certFile}, []string{"AADSTS700023", "token_url"}},
		{way{"expired-cert", "certificate_file: " + write("expired", newIdentity(t, yesterday, nil).pem())}, []string{"expired on " + yesterday.UTC().Format(time.DateOnly), "openssl req -x509", "az ad app credential reset"}},
		{way{"half-cert", "certificate_file: " + write("half", k.cert.pem()[:1500])}, []string{"may not be whole yet", "mv new.pem"}},
		{way{"no-key", "certificate_file: " + write("nokey", k.cert.pem()[:strings.Index(string(k.cert.pem()), "-----BEGIN RSA")])}, []string{"no private key", "cat cert.pem key.pem"}},
		{way{"password", "certificate_file: " + write("pfx", k.cert.pfx(t, "x")) + "\ncertificate_password_file: " + write("p", []byte("y"))}, []string{"password of the PFX file is wrong", "openssl pkcs12"}},
		{way{"old-token", federated("old", k.cluster.Token(k.subject, -time.Minute))}, []string{"AADSTS700024", "still being renewed"}},
		{way{"subject", federated("subject", k.cluster.Token("system:serviceaccount:default:other", time.Hour))}, []string{"AADSTS700213", "az ad app federated-credential list"}},
		{way{"issuer", federated("issuer", elsewhere.Token(k.subject, time.Hour))}, []string{"AADSTS700211", "az ad app federated-credential list"}},
		{way{"impostor", federated("impostor", impostor.Token(k.subject, time.Hour))}, []string{"AADSTS50027", "federated_token_file"}},
		{way{"no-token", federated("none", "nothing like a token")}, []string{"holds no token (a JWT)", "azure.workload.identity/use"}},
		{way{"identity", "managed_identity: 11111111-1111-1111-1111-111111111111\nclient_id: ''\ntenant_id: ''\nauthority: ''"}, []string{"400", "az webapp identity assign"}},
	}
	var ways []way
	for _, tt := range tests {
		ways = append(ways, tt.way)
	}
	machine := []string{"IDENTITY_ENDPOINT=" + appService.URL, "IDENTITY_HEADER=of-the-app"}
	_, origins := startWays(t, s, ways, machine...)
	checks := checkEnvironments(t, 1, append(machine, "DVPROXY_CONFIG="+waysFile(t, s, ways))...)
	c := newClient(t)
	for _, tt := range tests {
		resp, err := c.Get(origins[tt.name] + "/api/data/v9.2/WhoAmI")
		if err != nil {
			t.Fatal(err)
		}
		answer := readAll(resp)
		code := "dvproxy.sign_in_refused"
		if tt.name == "old-token" { // which a newer one may follow
			code = "dvproxy.token_unavailable"
		}
		signIn := checks[tt.name]["sign-in"]
		for _, word := range append(tt.words, code) {
			if text := unescaped(answer); !strings.Contains(text, word) {
				t.Errorf("%s: dvproxy does not say %q: %d %s", tt.name, word, resp.StatusCode, text)
			}
			if text := signIn.Detail + ": " + signIn.Remedy; word != code && (signIn.State != "failed" || !strings.Contains(text, word)) {
				t.Errorf("%s: check does not say %q: %s %s", tt.name, word, signIn.State, text)
			}
		}
	}
}

// unescaped is JSON as it is read.
func unescaped(text string) string {
	var body struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal([]byte(text), &body) != nil {
		return text
	}
	return body.Error.Code + " " + body.Error.Message
}
