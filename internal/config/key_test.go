package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"key": strings.Repeat("k", 32) + "\n", "short": strings.Repeat("k", 31) + "\n", "empty": "", "token": "x",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const secret, federated, managed = "{tenant_id: t, client_id: c, client_secret: s}", "{tenant_id: t, client_id: c, federated_token_file: DIR/token}", "{managed_identity: true}"
	const missing = "key_file: missing: tokens in state_dir are encrypted, and environments[0] signs in without a secret that a key could be derived from; name a file with one here, and make one with: openssl rand -base64 32"
	for name, tt := range map[string]struct{ credential, in, want, warning string }{
		"a secret":                   {secret, "state_dir: DIR", "", ""},
		"no state_dir":               {managed, "", "", ""},
		"managed, no key":            {managed, "state_dir: DIR", missing, ""},
		"federated, no key":          {federated, "state_dir: DIR", missing, ""},
		"managed":                    {managed, "state_dir: DIR\nkey_file: DIR/key", "", ""},
		"federated":                  {federated, "state_dir: DIR\nkey_file: DIR/key", "", ""},
		"short":                      {managed, "state_dir: DIR\nkey_file: DIR/short", "dvproxy.yaml:5:11: key_file: the file must hold 32 characters at least, which nobody can guess; make one with: openssl rand -base64 32", ""},
		"empty":                      {managed, "state_dir: DIR\nkey_file: DIR/empty", "dvproxy.yaml:5:11: key_file: the file is empty; put the secret there", ""},
		"not there":                  {managed, "state_dir: DIR\nkey_file: DIR/none", "dvproxy.yaml:5:11: key_file: the file does not exist; put the secret there, or mount it", ""},
		"no use":                     {secret, "state_dir: DIR\nkey_file: DIR/key", "", "dvproxy.yaml:5:11: key_file: has no use here: each environment has a secret of its own, which tokens in state_dir are encrypted with"},
		"no use, without state_dir":  {managed, "\nkey_file: DIR/key", "", "dvproxy.yaml:5:11: key_file: has no use without state_dir"},
		"several, the second has no": {secret + "\n- {url: 'https://b.crm.dynamics.com', listen: 'localhost:1', credential: " + managed + "}", "state_dir: DIR", strings.ReplaceAll(missing, "[0]", "[1]"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := strings.ReplaceAll("environments:\n- url: https://a.crm.dynamics.com\n  credential: "+tt.credential+"\n"+tt.in+"\n", "DIR", dir)
			c, err := load(t, input{file: file})
			if diff := cmp.Diff(tt.want, message(err)); diff != "" {
				t.Error(diff)
			}
			warning := ""
			if err == nil && len(c.Warnings) > 0 {
				warning = c.Warnings.Error()
			}
			if diff := cmp.Diff(tt.warning, warning); diff != "" {
				t.Error(diff)
			}
		})
	}
}
