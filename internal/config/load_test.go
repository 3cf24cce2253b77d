package config

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// input is what a table row gives to Load.
type input struct {
	file string // content of dvproxy.yaml; none if empty
	args map[string]string
	env  map[string]string
}

// load runs Load on in, in a folder of its own.
func load(t *testing.T, in input) (*Config, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	args := map[string]string{}
	if in.file != "" {
		if err := os.WriteFile("dvproxy.yaml", []byte(in.file), 0o600); err != nil {
			t.Fatal(err)
		}
		args["config"] = "dvproxy.yaml"
	}
	for k, v := range in.args {
		args[k] = v
	}
	return Load(Source{Args: args, Getenv: func(name string) string { return in.env[name] }})
}

// four variables are a complete set-up.
func four() map[string]string {
	return map[string]string{
		"DATAVERSE_URL":       "https://Contoso.CRM.dynamics.com/",
		"AZURE_TENANT_ID":     "contoso.onmicrosoft.com",
		"AZURE_CLIENT_ID":     "app",
		"AZURE_CLIENT_SECRET": "from-env",
	}
}

func with(env map[string]string, pairs ...string) map[string]string {
	for i := 0; i < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return env
}

func TestFourVariablesAreACompleteSetUp(t *testing.T) {
	got, err := load(t, input{env: four()})
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Environments: []Environment{{
			Name:       "contoso",
			URL:        "https://contoso.crm.dynamics.com",
			Aliases:    []string{"https://contoso.api.crm.dynamics.com"},
			Listen:     "localhost:7080",
			SocketMode: 0o600,
			Credential: Credential{
				TenantID:             "contoso.onmicrosoft.com",
				ClientID:             "app",
				ClientSecret:         NewSecret("from-env"),
				CertificateAlgorithm: "ps256",
				ManagedIdentity:      "false",
				Authority:            "https://login.microsoftonline.com",
				Scope:                "https://contoso.crm.dynamics.com/.default",
			},
			RenewAt:  0.33,
			Retry:    Retry{MaxWait: time.Minute, MaxBody: 128 * MiB, Memory: 256 * KiB},
			Timeouts: Timeouts{Connect: 10 * time.Second, ResponseHeader: 10 * time.Minute},
			Affinity: "client",
			Guard:    Guard{Impersonation: "allow"},

			LocalTokenLifetime: 720 * time.Hour,
		}},
		Admin: Admin{Listen: "localhost:7081"},
		Drain: Drain{Timeout: 25 * time.Second},
		Log:   Log{Level: "info"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, want := got.Environments[0].Credential.TokenEndpoint(), "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token"; got != want {
		t.Errorf("token endpoint %s, want %s", got, want)
	}
}

const fileWithCredential = `
environments:
  - url: https://file.crm.dynamics.com
    listen: localhost:1
    credential: {tenant_id: file.example, client_id: file, client_secret: from-file}
admin: {listen: localhost:2}
log: {level: warn}
`

const fileWithoutCredential = `
environments:
  - url: https://file.crm.dynamics.com
    listen: localhost:1
`

func TestPrecedence(t *testing.T) {
	type settings struct{ URL, Listen, Tenant, Secret, Admin, Level string }
	file := settings{"https://file.crm.dynamics.com", "localhost:1", "file.example", "from-file", "localhost:2", "warn"}
	change := func(s settings, f func(*settings)) settings { f(&s); return s }
	for name, row := range map[string]struct {
		in   input
		want settings
	}{
		"file before AZURE and DATAVERSE": {
			input{file: fileWithCredential, env: four()}, file,
		},
		"DVPROXY variables before file": {
			input{file: fileWithCredential, env: map[string]string{"DVPROXY_LISTEN": "localhost:11", "DVPROXY_ADMIN": "off", "DVPROXY_LOG_LEVEL": "DEBUG"}},
			change(file, func(s *settings) { s.Listen, s.Admin, s.Level = "localhost:11", "off", "debug" }),
		},
		"flags before DVPROXY variables": {
			input{
				file: fileWithCredential,
				env:  map[string]string{"DVPROXY_LISTEN": "localhost:11", "DVPROXY_ADMIN": "off", "DVPROXY_LOG_LEVEL": "nonsense"},
				args: map[string]string{"listen": "localhost:21", "admin": "localhost:22", "log-level": "error", "url": "https://flag.crm.dynamics.com"},
			},
			settings{"https://flag.crm.dynamics.com", "localhost:21", "file.example", "from-file", "localhost:22", "error"},
		},
		"AZURE where the file has no credential": {
			input{file: fileWithoutCredential, env: four()},
			settings{"https://file.crm.dynamics.com", "localhost:1", "contoso.onmicrosoft.com", "from-env", "localhost:7081", "info"},
		},
		"DATAVERSE_URL where the file has no url and no credential": {
			input{file: "environments: [{listen: localhost:1}]", env: four()},
			settings{"https://contoso.crm.dynamics.com", "localhost:1", "contoso.onmicrosoft.com", "from-env", "localhost:7081", "info"},
		},
		"a file without environments": {
			input{file: "log: {level: warn}", env: four()},
			settings{"https://contoso.crm.dynamics.com", "localhost:7080", "contoso.onmicrosoft.com", "from-env", "localhost:7081", "warn"},
		},
		"an empty file": {
			input{file: "# nothing yet\n", env: four(), args: map[string]string{"listen": "[::1]:0"}},
			settings{"https://contoso.crm.dynamics.com", "[::1]:0", "contoso.onmicrosoft.com", "from-env", "localhost:7081", "info"},
		},
		"an empty variable is not set": {
			input{env: with(four(), "DVPROXY_LISTEN", "", "AZURE_AUTHORITY_HOST", "")},
			settings{"https://contoso.crm.dynamics.com", "localhost:7080", "contoso.onmicrosoft.com", "from-env", "localhost:7081", "info"},
		},
		"a line end after the secret is not part of it": {
			input{env: with(four(), "AZURE_CLIENT_SECRET", "from-env\r\n")},
			settings{"https://contoso.crm.dynamics.com", "localhost:7080", "contoso.onmicrosoft.com", "from-env", "localhost:7081", "info"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, row.in)
			if err != nil {
				t.Fatal(err)
			}
			e := c.Environments[0]
			got := settings{e.URL, e.Listen, e.Credential.TenantID, e.Credential.ClientSecret.Reveal(), c.Admin.Listen, c.Log.Level}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConfigFileByVariable(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("other.yaml", []byte(fileWithCredential), 0o600); err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string { return map[string]string{"DVPROXY_CONFIG": "other.yaml"}[name] }
	if _, err := Load(Source{Getenv: getenv}); err != nil {
		t.Error(err)
	}
	_, err := Load(Source{Args: map[string]string{"config": "none.yaml"}, Getenv: getenv})
	var ps Problems
	if !errors.As(err, &ps) || !strings.HasPrefix(err.Error(), "--config: cannot read the configuration file: ") {
		t.Errorf("got %v", err)
	}
}

func TestRelativePathsAreTakenFromTheFilesFolder(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll("etc/bodies", 0o700); err != nil {
		t.Fatal(err)
	}
	write("etc/secret", "s")
	write("etc/dvproxy.yaml", "environments: [{url: https://a.example, retry: {dir: bodies}, credential: {tenant_id: t, client_id: c, client_secret_file: secret}}]")
	c, err := Load(Source{Args: map[string]string{"config": "etc/dvproxy.yaml"}, Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	e := c.Environments[0]
	if got, want := e.Credential.ClientSecretFile+" "+e.Retry.Dir, "etc/secret etc/bodies"; strings.ReplaceAll(got, `\`, "/") != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnotherOAuthServer(t *testing.T) {
	c, err := load(t, input{file: `
environments:
- url: http://localhost:8080
  credential: {token_url: "HTTP://LocalHost:9090/Token?x=Y", client_id: c, client_secret: s, scope: a b}
- url: https://b.example
  listen: 0.0.0.0:1
  guard: {dangerously_allow_anyone: true, dangerously_allow_plaintext: true, allowed_hosts: [B.example, "[::1]", "10.0.0.1:8"]}
  credential: {authority: login.microsoftonline.us, tenant_id: t, client_id: c, client_secret: s}
`})
	if err != nil {
		t.Fatal(err)
	}
	a, b := c.Environments[0], c.Environments[1]
	got := []string{a.Name, a.Credential.TokenEndpoint(), a.Credential.Scope, b.Credential.TokenEndpoint(), strings.Join(b.Guard.AllowedHosts, " ")}
	want := []string{"localhost", "http://localhost:9090/Token?x=Y", "a b", "https://login.microsoftonline.us/t/oauth2/v2.0/token", "b.example [::1] 10.0.0.1:8"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
