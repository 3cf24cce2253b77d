package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/config"
	"dvproxy/internal/tokencache"
)

// One process keeps a token and another looks for it: whose key opens it.
func TestWhoseKeyOpensAKeptToken(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := aKey(t)
	_, first := selfSigned(t, "first", key)
	_, renewed := selfSigned(t, "renewed", key)
	_, other := selfSigned(t, "other", aKey(t))
	key1, key2 := file("key1", strings.Repeat("1", 32)), file("key2", strings.Repeat("2", 32))
	secret := func(s string) config.Credential {
		return config.Credential{TenantID: "t", ClientID: "c", ClientSecret: config.NewSecret(s), Authority: "https://a", Scope: "s"}
	}
	change := func(c config.Credential, f func(*config.Credential)) config.Credential { f(&c); return c }
	byFile := func(name, text string) config.Credential {
		return change(secret(""), func(c *config.Credential) { c.ClientSecretFile = file(name, text) })
	}
	byCertificate := func(name string, text []byte) config.Credential {
		return change(secret(""), func(c *config.Credential) { c.CertificateFile = file(name, string(text)) })
	}
	federated := func(token string) config.Credential {
		return change(secret(""), func(c *config.Credential) { c.FederatedTokenFile = file("federated", token) })
	}
	managed := func(id string) config.Credential { return config.Credential{ManagedIdentity: id, Scope: "s"} }
	for name, tt := range map[string]struct {
		saved     config.Credential
		savedKey  string // key_file
		loaded    config.Credential
		loadedKey string
		want      bool
	}{
		"the same secret":              {secret("x"), "", secret("x"), "", true},
		"the same in a file":           {secret("x"), "", byFile("same", "x\n"), "", true},
		"another secret":               {secret("x"), "", secret("y"), "", false},
		"a secret, whatever key_file":  {secret("x"), key1, secret("x"), key2, true},
		"the next secret":              {secret("x"), "", change(byFile("now", "y"), func(c *config.Credential) { c.NextClientSecretFile = file("next", "x") }), "", true},
		"no next secret yet":           {secret("x"), "", change(secret("x"), func(c *config.Credential) { c.NextClientSecretFile = filepath.Join(dir, "none") }), "", true},
		"another scope":                {secret("x"), "", change(secret("x"), func(c *config.Credential) { c.Scope = "s2" }), "", false},
		"another tenant":               {secret("x"), "", change(secret("x"), func(c *config.Credential) { c.TenantID = "t2" }), "", false},
		"another client":               {secret("x"), "", change(secret("x"), func(c *config.Credential) { c.ClientID = "c2" }), "", false},
		"the same certificate":         {byCertificate("c1", first), "", byCertificate("c1", first), "", true},
		"a renewed certificate":        {byCertificate("c1", first), "", byCertificate("c2", renewed), "", true},
		"another key's certificate":    {byCertificate("c1", first), "", byCertificate("c3", other), "", false},
		"another federated token":      {federated("now"), key1, federated("then"), key1, true},
		"federated, another key_file":  {federated("now"), key1, federated("now"), key2, false},
		"a managed identity":           {managed("true"), key1, managed("true"), key1, true},
		"managed, another key_file":    {managed("true"), key1, managed("true"), key2, false},
		"another managed identity":     {managed("true"), key1, managed("11111111-1111-1111-1111-111111111111"), key1, false},
		"key_file gone":                {managed("true"), key1, managed("true"), filepath.Join(dir, "none"), false},
		"a certificate that is broken": {byCertificate("c1", first), "", byCertificate("c4", first[:200]), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			var log bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&log, nil))
			kept := tokencache.Kept{Token: "t", Sent: time.Now().UTC().Round(0), Lifetime: time.Hour, Full: time.Hour}
			state{folder, tt.savedKey}.store(tt.saved, logger).Save(kept)
			if log.Len() > 0 {
				t.Fatal(log.String())
			}
			got, ok := state{folder, tt.loadedKey}.store(tt.loaded, logger).Load()
			if ok != tt.want || ok && got != kept {
				t.Errorf("loaded %v, want %v\n%s", ok, tt.want, log.String())
			}
		})
	}
	if s := (state{}).store(secret("x"), nil); s != nil {
		t.Error("there is a store without a state_dir")
	}
}
