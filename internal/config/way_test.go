package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	const id = "11111111-1111-1111-1111-111111111111"
	const missing = "dvproxy.yaml:4:COL: environments[0].credential.client_secret: missing: set one of client_secret_file, client_secret, certificate_file, federated_token_file and managed_identity"
	for _, row := range []struct {
		in   string // the credential
		way  Way
		want string // problem
	}{
		{"{tenant_id: t, client_id: c, client_secret: s}", BySecret, ""},
		{"{tenant_id: t, client_id: c, client_secret_file: FILE, next_client_secret_file: none}", BySecret, ""},
		{"{tenant_id: t, client_id: c, certificate_file: FILE}", ByCertificate, ""},
		{"{tenant_id: t, client_id: c, certificate_file: FILE, certificate_password: p}", ByCertificate, ""},
		{"{tenant_id: t, client_id: c, federated_token_file: FILE}", ByFederatedToken, ""},
		{"{managed_identity: true}", ByManagedIdentity, ""},
		{"{managed_identity: " + id + "}", ByManagedIdentity, ""},
		{"{managed_identity: true, client_id: " + id + "}", ByManagedIdentity, ""},
		{"{tenant_id: t, client_id: c}", 0, missing},
		{"{tenant_id: t, client_id: c, managed_identity: false}", 0, missing},
		{"{tenant_id: t, client_id: c, certificate_file: none}", 0, "dvproxy.yaml:4:COL: environments[0].credential.certificate_file: the file does not exist; put the secret there, or mount it"},
		{"{tenant_id: t, client_id: c, client_secret: s, certificate_file: FILE}", 0, "dvproxy.yaml:4:COL: environments[0].credential.certificate_file: client_secret and certificate_file are different ways to sign in; keep one"},
		{"{tenant_id: t, client_id: c, client_secret: s, certificate_file: FILE, managed_identity: true}", 0, "dvproxy.yaml:4:COL: environments[0].credential.managed_identity: client_secret, certificate_file and managed_identity are different ways to sign in; keep one"},
		{"{tenant_id: t, client_id: c, federated_token_file: FILE, next_client_secret_file: n}", 0, "dvproxy.yaml:4:COL: environments[0].credential.next_client_secret_file: belongs to client_secret_file, which is not set"},
		{"{tenant_id: t, client_id: c, client_secret: s, certificate_password_file: FILE}", 0, "dvproxy.yaml:4:COL: environments[0].credential.certificate_password_file: belongs to certificate_file, which is not set"},
		{"{tenant_id: t, client_id: c, client_secret: s, certificate_password: p}", 0, "dvproxy.yaml:4:COL: environments[0].credential.certificate_password: is set, and there is no certificate: set certificate_file"},
		{"{managed_identity: yes}", 0, "dvproxy.yaml:4:COL: environments[0].credential.managed_identity: must be true, false or the client id of a user-assigned identity, such as " + id},
		{"{managed_identity: " + id + ", client_id: 2}", 0, "dvproxy.yaml:4:COL: environments[0].credential.managed_identity: and client_id name two identities; keep one"},
		{"{managed_identity: true, token_url: 'https://sts.example/token'}", 0, "dvproxy.yaml:4:COL: environments[0].credential.token_url: has no meaning with managed_identity, whose tokens come from the machine"},
	} {
		in := strings.ReplaceAll(row.in, "FILE", "'"+file+"'")
		c, err := load(t, input{file: "environments:\n- url: https://a.crm.dynamics.com\n\n  credential: " + in + "\n"})
		got := message(err)
		if i := strings.Index(row.want, ":COL:"); i >= 0 {
			if j := strings.Index(got, ": environments"); j > 0 {
				got = got[:i] + ":COL" + got[j:]
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s: %s", row.in, diff)
		} else if err == nil && c.Environments[0].Credential.Way() != row.way {
			t.Errorf("%s: way %d, want %d", row.in, c.Environments[0].Credential.Way(), row.way)
		}
	}
}

// The variables that Azure's SDKs know choose the way too, and two ways in
// them are refused by their names.
func TestWaysByVariable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	bare := func(more ...string) map[string]string {
		return with(with(four(), "AZURE_CLIENT_SECRET", ""), more...)
	}
	for _, row := range []struct {
		in   map[string]string
		way  Way
		want string
	}{
		{four(), BySecret, ""},
		{bare("AZURE_CLIENT_CERTIFICATE_PATH", file), ByCertificate, ""},
		{bare("AZURE_FEDERATED_TOKEN_FILE", file), ByFederatedToken, ""},
		{bare("DVPROXY_MANAGED_IDENTITY", "true"), ByManagedIdentity, ""},
		{with(four(), "AZURE_FEDERATED_TOKEN_FILE", file), 0, "AZURE_FEDERATED_TOKEN_FILE: AZURE_CLIENT_SECRET and AZURE_FEDERATED_TOKEN_FILE are different ways to sign in; keep one"},
		{bare("AZURE_CLIENT_CERTIFICATE_PASSWORD", "p"), 0, "AZURE_CLIENT_SECRET: missing: set one of AZURE_CLIENT_SECRET (the value of a client secret), AZURE_CLIENT_SECRET_FILE (a file that holds it), AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE and DVPROXY_MANAGED_IDENTITY=true\nAZURE_CLIENT_CERTIFICATE_PASSWORD: is set, and there is no certificate: set AZURE_CLIENT_CERTIFICATE_PATH"},
	} {
		c, err := load(t, input{env: row.in})
		if diff := cmp.Diff(row.want, message(err)); diff != "" {
			t.Error(diff)
		} else if err == nil && c.Environments[0].Credential.Way() != row.way {
			t.Errorf("%v: way %d, want %d", row.in, c.Environments[0].Credential.Way(), row.way)
		}
	}
}

func TestClouds(t *testing.T) {
	for url, want := range map[string]string{
		"https://a.crm4.dynamics.com":             "https://login.microsoftonline.com",
		"https://a.crm9.dynamics.com":             "https://login.microsoftonline.com", // GCC is in the public cloud
		"https://a.crm.microsoftdynamics.us":      "https://login.microsoftonline.us",
		"https://a.crm.appsplatform.us":           "https://login.microsoftonline.us",
		"https://a.crm.dynamics.cn":               "https://login.partner.microsoftonline.cn",
		"https://a.crm.dynamics.cn.example":       "https://login.microsoftonline.com",
		"https://acrm.microsoftdynamics.us":       "https://login.microsoftonline.com",
		"https://a.api.crm.microsoftdynamics.us/": "https://login.microsoftonline.us",
	} {
		c, err := load(t, input{env: with(four(), "DATAVERSE_URL", url)})
		if err != nil {
			t.Errorf("%s: %v", url, err)
		} else if got := c.Environments[0].Credential.Authority; got != want {
			t.Errorf("%s: authority %s, want %s", url, got, want)
		}
	}
}

func TestVersion1IsToldByTheTokenURL(t *testing.T) {
	for url, want := range map[string]bool{
		"": false, "https://sts.example/t/oauth2/v2.0/token": false, "https://sts.example/t/oauth2/token": true,
		"https://sts.example/adfs/oauth2/token/": true, "https://sts.example/token": false,
	} {
		if got := (Credential{TokenURL: url}).V1(); got != want {
			t.Errorf("%q: version 1 is %v, want %v", url, got, want)
		}
	}
}
