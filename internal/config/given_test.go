package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is given once and written down is the same configuration when it is read
// back by a program without flags and variables.
func TestGivenIsTheSameConfiguration(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret # not a comment: it's a path")
	if err := os.WriteFile(secret, []byte("swordfish"), 0o600); err != nil {
		t.Fatal(err)
	}
	nothing := func(string) string { return "" }
	for name, in := range map[string]Source{
		"least": {Getenv: lookup(map[string]string{
			"DATAVERSE_URL": "https://contoso.crm.dynamics.com", "AZURE_TENANT_ID": "contoso.onmicrosoft.com",
			"AZURE_CLIENT_ID": "11111111-1111-1111-1111-111111111111", "AZURE_CLIENT_SECRET_FILE": secret,
		})},
		"more": {
			Args: map[string]string{"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "log-level": "debug", "exit-after-idle": "5m", "url": "https://contoso.crm4.dynamics.com"},
			Getenv: lookup(map[string]string{
				"DATAVERSE_URL": "https://other.crm.dynamics.com", "AZURE_TENANT_ID": "0123e4", "AZURE_CLIENT_ID": "0o17",
				"AZURE_CLIENT_SECRET_FILE": secret, "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.us", "DVPROXY_ADMIN_QUIT": "true",
			}),
		},
		"managed identity": {Getenv: lookup(map[string]string{"DATAVERSE_URL": "https://contoso.crm.dynamics.com", "DVPROXY_MANAGED_IDENTITY": "true"})},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := Load(in)
			if err != nil {
				t.Fatal(err)
			}
			text, err := Given(in)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "dvproxy.yaml")
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Load(Source{Args: map[string]string{"config": file}, Getenv: nothing})
			if err != nil {
				t.Fatalf("%v, in:\n%s", err, text)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("not the same (-given +read):\n%s\nin:\n%s", d, text)
			}
		})
	}
}

func TestGivenHasNoSecret(t *testing.T) {
	text, err := Given(Source{Getenv: lookup(map[string]string{"AZURE_CLIENT_SECRET": "swordfish", "AZURE_CLIENT_CERTIFICATE_PASSWORD": "swordfish", "DATAVERSE_URL": "https://contoso.crm.dynamics.com"})})
	if err != nil || !strings.Contains(string(text), "contoso") || strings.Contains(string(text), "swordfish") {
		t.Errorf("%v, wrote:\n%s", err, text)
	}
}

func TestAFileThatWillBeThere(t *testing.T) {
	env := map[string]string{
		"DATAVERSE_URL": "https://contoso.crm.dynamics.com", "AZURE_TENANT_ID": "contoso.onmicrosoft.com",
		"AZURE_CLIENT_ID": "11111111-1111-1111-1111-111111111111", "AZURE_CLIENT_SECRET_FILE": "/nowhere/secret",
	}
	willBe := func(path string) bool { return path == "/nowhere/secret" }
	if _, err := Load(Source{Getenv: lookup(env), WillBe: willBe}); err != nil {
		t.Errorf("a file that will be there: %v", err)
	}
	env["AZURE_CLIENT_SECRET_FILE"] = "/nowhere/other"
	if _, err := Load(Source{Getenv: lookup(env), WillBe: willBe}); err == nil {
		t.Error("any other file: no error")
	}
}

func lookup(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}
