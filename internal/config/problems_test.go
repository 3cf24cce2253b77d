package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ok is an environment without mistakes, to which a row adds its own.
const ok = `
environments:
- url: https://a.crm.dynamics.com
  credential: {tenant_id: t, client_id: c, client_secret: s}
`

func TestProblemsInTheFile(t *testing.T) {
	for name, row := range map[string]struct{ in, want string }{
		"syntax":             {"a: [1\n", "dvproxy.yaml:2:1: not valid YAML: did not find expected ',' or ']'"},
		"tab":                {"environments:\n\t- url: x", "dvproxy.yaml:2:1: not valid YAML: found character that cannot start any token; indent with spaces, not tabs, and put a text that starts with @ or ` in quotes"},
		"anchor":             {"environments: *none", "dvproxy.yaml:1:15: not valid YAML: an alias (*name) of an anchor that is not defined above it; a text that starts with * needs quotes"},
		"not UTF-8":          {"log:\n  level: \xff", "dvproxy.yaml:2:10: not valid YAML: a byte that is not UTF-8 text, or a control character; save the file as UTF-8"},
		"two documents":      {"log: {}\n---\nlog: {}", "dvproxy.yaml:2:1: a second YAML document starts here; keep all settings in one"},
		"not a mapping":      {"- log", "dvproxy.yaml:1:1: must be a group of settings, each on a line of its own as key: value"},
		"not a list":         {"environments: x", "dvproxy.yaml:1:15: environments: must be a list, each entry on a line of its own after a dash"},
		"not a group":        {ok + "log: debug", "dvproxy.yaml:5:6: log: must be a group of settings, each on a line of its own as key: value"},
		"merge key":          {ok + "  retry: {<<: {memory: 1KiB}}", "dvproxy.yaml:5:11: environments[0].retry: merge keys (<<) are not supported; an alias (*name) can stand for a whole group of settings"},
		"unknown, near":      {ok + "  retry: {maxWait: 1s}", "dvproxy.yaml:5:11: environments[0].retry.maxWait: unknown key; did you mean max_wait?"},
		"unknown, elsewhere": {ok + "  tenant_id: t", "dvproxy.yaml:5:3: environments[0].tenant_id: unknown key here; did you mean environments[].credential.tenant_id?"},
		"unknown, a word":    {ok + "drain: {colour: 1s}", "dvproxy.yaml:5:9: drain.colour: unknown key; known here: delay, timeout, exit_after_idle"},
		"unknown, not shown": {ok + "drain: {~8Q: 1s}", "dvproxy.yaml:5:9: drain: unknown key; known here: delay, timeout, exit_after_idle"},
		"key is a list":      {ok + "drain: {[a]: 1s}", "dvproxy.yaml:5:9: drain: a key must be a single word"},
		"twice":              {ok + "drain: {timeout: 1s, timeout: 2s}", "dvproxy.yaml:5:22: drain.timeout: is given twice; the first is on line 5"},
		"range":              {ok + "  renew_at: 1", "dvproxy.yaml:5:13: environments[0].renew_at: must be a number between 0.05 and 0.9, for example 0.33"},
		"not a number":       {ok + "  renew_at: nan", "dvproxy.yaml:5:13: environments[0].renew_at: must be a number between 0.05 and 0.9, for example 0.33"},
		"no unit":            {ok + "  retry: {max_wait: 60}", "dvproxy.yaml:5:21: environments[0].retry.max_wait: must be a duration between 0s and 1h, for example 60s"},
		"ambiguous unit":     {ok + "  retry: {max_body: 128MB}", "dvproxy.yaml:5:21: environments[0].retry.max_body: must be a size in bytes, KiB, MiB or GiB, for example 128MiB"},
		"memory over body":   {ok + "  retry: {max_body: 1KiB, memory: 2KiB}", "dvproxy.yaml:5:35: environments[0].retry.memory: must not be larger than max_body, which is 1KiB"},
		"not a folder":       {ok + "  retry: {dir: dvproxy.yaml}", "dvproxy.yaml:5:16: environments[0].retry.dir: must be a folder"},
		"no concurrency":     {ok + "  max_concurrent: 0", "dvproxy.yaml:5:19: environments[0].max_concurrent: must be auto, or a whole number from 1 to 10000"},
		"much concurrency":   {ok + "  max_concurrent: 10001", "dvproxy.yaml:5:19: environments[0].max_concurrent: must be auto, or a whole number from 1 to 10000"},
		"some concurrency":   {ok + "  max_concurrent: many", "dvproxy.yaml:5:19: environments[0].max_concurrent: must be auto, or a whole number from 1 to 10000"},
		"affinity":           {ok + "  affinity: server", "dvproxy.yaml:5:13: environments[0].affinity: must be one of client, spread"},
		"not a bool":         {ok + "  guard: {dangerously_allow_anyone: yes}", "dvproxy.yaml:5:37: environments[0].guard.dangerously_allow_anyone: must be true or false"},
		"hosts not a list":   {ok + "  guard: {allowed_hosts: a}", "dvproxy.yaml:5:26: environments[0].guard.allowed_hosts: must be a list such as [a, b]"},
		"host is a URL":      {ok + "  guard: {allowed_hosts: [a, 'http://b']}", "dvproxy.yaml:5:30: environments[0].guard.allowed_hosts[1]: must be a host name or IP address, with or without a port, for example dvproxy.internal:7080"},
		"host is a list":     {ok + "  guard: {allowed_hosts: [[a]]}", "dvproxy.yaml:5:27: environments[0].guard.allowed_hosts[0]: must be a text"},
		"alias":              {ok + "  aliases: [https://a.api.crm.dynamics.com/api]", "dvproxy.yaml:5:13: environments[0].aliases[0]: must be the origin alone, without a path or query: https://a.api.crm.dynamics.com"},
		"public_url":         {ok + "  public_url: localhost:8080", "dvproxy.yaml:5:15: environments[0].public_url: must be a URL that starts with https:// and a host"},
		"public_url, path":   {ok + "  public_url: http://gateway/dv", "dvproxy.yaml:5:15: environments[0].public_url: must be the origin alone, without a path or query: http://gateway"},
		"public_url is url":  {ok + "  public_url: https://A.api.crm.dynamics.com", "dvproxy.yaml:5:15: environments[0].public_url: is an origin of the environment itself; clients that use it do not reach dvproxy"},
		"tagged":             {ok + "log: {level: !!binary aW5mbw==}", "dvproxy.yaml:5:14: log.level: must be one of debug, info, warn, error"},
		"impersonation":      {ok + "  guard: {impersonation: forbid}", "dvproxy.yaml:5:26: environments[0].guard.impersonation: must be one of allow, deny"},
		"word":               {ok + "log: {level: verbose}", "dvproxy.yaml:5:14: log.level: must be one of debug, info, warn, error"},
		"name":               {ok + "  name: a b", "dvproxy.yaml:5:9: environments[0].name: must be up to 63 letters, digits, dots, dashes or underscores, for example contoso"},
		"scope":              {strings.Replace(ok, "{", "{scope: https://a.crm.dynamics.com, ", 1), "dvproxy.yaml:4:23: environments[0].credential.scope: must end in /.default, since Entra grants an application nothing else; leave it out for the origin of url with /.default"},
		"token_url":          {strings.Replace(ok, "{", "{token_url: 'http://sts.example/token', ", 1), "dvproxy.yaml:4:27: environments[0].credential.token_url: must start with https://: over http:// the token or the secret would cross the network unencrypted"},
		"client id":          {strings.Replace(ok, "client_id: c", "client_id: a b", 1), "dvproxy.yaml:4:41: environments[0].credential.client_id: must not contain spaces"},
		"quit, no admin":     {ok + "admin: {listen: 'off', quit: true}", "dvproxy.yaml:5:30: admin.quit: must be false where admin.listen is off: there is no listener to be told by"},
		"default name":       {ok + "- url: https://a.crm4.dynamics.com\n  listen: localhost:1\n  credential: {tenant_id: t, client_id: c, client_secret: s}", "dvproxy.yaml:5:3: environments[1].name: is the name of environments[0] too; give each environment a name of its own"},
		"admin listen": {
			ok + "admin: {listen: localhost:7080}",
			"dvproxy.yaml:3:3: environments[0].listen: localhost:7080 is where admin.listen listens already; give each listener a port of its own, for example localhost:7082",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, input{file: row.in})
			if diff := cmp.Diff(row.want, message(err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Every mistake is reported at once, in the order of the file.
func TestAllProblemsAtOnce(t *testing.T) {
	_, err := load(t, input{file: `log: {levle: debug}
environments:
- url: http://contoso.crm.dynamics.com
  renew_at: 2
  credential: {tenant_id: a/b, client_secret: x, client_secret_file: y}
- url: https://contoso.crm.dynamics.com
  name: B
- url: https://contoso.crm.dynamics.com/api/data/v9.2
  name: B
  listen: "7080"
`})
	want := []string{
		"dvproxy.yaml:1:7: log.levle: unknown key; did you mean level?",
		"dvproxy.yaml:3:8: environments[0].url: must start with https://: over http:// the token or the secret would cross the network unencrypted",
		"dvproxy.yaml:4:13: environments[0].renew_at: must be a number between 0.05 and 0.9, for example 0.33",
		"dvproxy.yaml:5:15: environments[0].credential.client_id: missing: the application (client) id of the app registration",
		"dvproxy.yaml:5:27: environments[0].credential.tenant_id: must be the id of the tenant, such as 00000000-0000-0000-0000-000000000000, or one of its domains, such as contoso.onmicrosoft.com",
		"dvproxy.yaml:5:70: environments[0].credential.client_secret_file: client_secret and client_secret_file are both set; keep one",
		"dvproxy.yaml:6:3: environments[1].credential.tenant_id: missing: the id of the tenant, or one of its domains; set it under credential, or in AZURE_TENANT_ID",
		"dvproxy.yaml:6:3: environments[1].credential.client_id: missing: the application (client) id of the app registration; set it under credential, or in AZURE_CLIENT_ID",
		"dvproxy.yaml:6:3: environments[1].credential.client_secret: missing: set one of AZURE_CLIENT_SECRET (the value of a client secret), AZURE_CLIENT_SECRET_FILE (a file that holds it), AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE and DVPROXY_MANAGED_IDENTITY=true",
		"dvproxy.yaml:6:3: environments[1].listen: localhost:7080 is where environments[0].listen listens already; give each listener a port of its own, for example localhost:7083",
		"dvproxy.yaml:8:3: environments[2].credential.tenant_id: missing: the id of the tenant, or one of its domains; set it under credential, or in AZURE_TENANT_ID",
		"dvproxy.yaml:8:3: environments[2].credential.client_id: missing: the application (client) id of the app registration; set it under credential, or in AZURE_CLIENT_ID",
		"dvproxy.yaml:8:3: environments[2].credential.client_secret: missing: set one of AZURE_CLIENT_SECRET (the value of a client secret), AZURE_CLIENT_SECRET_FILE (a file that holds it), AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE and DVPROXY_MANAGED_IDENTITY=true",
		"dvproxy.yaml:8:8: environments[2].url: must be the origin alone, without a path or query: https://contoso.crm.dynamics.com",
		"dvproxy.yaml:9:9: environments[2].name: is the name of environments[1] too; give each environment a name of its own",
		"dvproxy.yaml:10:11: environments[2].listen: must be a host and a port, an IPv6 address in brackets; write host:port, for example localhost:7080",
	}
	if diff := cmp.Diff(want, strings.Split(message(err), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestProblemsOutsideTheFile(t *testing.T) {
	const two = "environments: [{url: https://a.example}, {url: https://b.example, listen: localhost:1}]"
	for name, row := range map[string]struct {
		in   input
		want []string
	}{
		"nothing at all": {input{}, []string{
			"DATAVERSE_URL: missing: the origin of the environment, for example https://contoso.crm.dynamics.com",
			"AZURE_TENANT_ID: missing: the id of the tenant, or one of its domains",
			"AZURE_CLIENT_ID: missing: the application (client) id of the app registration",
			"AZURE_CLIENT_SECRET: missing: set one of AZURE_CLIENT_SECRET (the value of a client secret), AZURE_CLIENT_SECRET_FILE (a file that holds it), AZURE_CLIENT_CERTIFICATE_PATH, AZURE_FEDERATED_TOKEN_FILE and DVPROXY_MANAGED_IDENTITY=true",
		}},
		"both secrets": {input{env: with(four(), "AZURE_CLIENT_SECRET_FILE", "x")}, []string{
			"AZURE_CLIENT_SECRET_FILE: AZURE_CLIENT_SECRET and AZURE_CLIENT_SECRET_FILE are both set; keep one",
		}},
		"other sign-ins": {input{env: with(four(), "AZURE_CLIENT_SECRET", "", "AZURE_CLIENT_CERTIFICATE_PATH", "x", "AZURE_FEDERATED_TOKEN_FILE", "y")}, []string{
			"AZURE_FEDERATED_TOKEN_FILE: AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE are different ways to sign in; keep one",
		}},
		"variables": {input{env: with(four(), "DVPROXY_LISTEN", "unix:dvproxy.sock", "DVPROXY_ADMIN", "7081", "DVPROXY_LOG_FORMAT", "xml", "AZURE_TENANT_ID", "common")}, []string{
			"DVPROXY_LOG_FORMAT: must be one of text, json",
			"AZURE_TENANT_ID: must be one tenant: an application cannot sign in to a group of them",
			"DVPROXY_ADMIN: must be a host and a port, an IPv6 address in brackets; write host:port, for example localhost:7080",
			"DVPROXY_LISTEN: must name a Unix socket by its absolute path, for example unix:/run/dvproxy/contoso.sock",
		}},
		"flags": {input{env: four(), args: map[string]string{"url": "contoso", "listen": "", "admin": "a:b"}}, []string{
			"--listen: needs a value; leave the flag out for the default",
			"--url: must be a URL that starts with https:// and a host",
			"--admin: must end in a port from 0 to 65535; write host:port, for example localhost:7080",
		}},
		"one listener for two environments": {
			input{file: two, env: with(four(), "DVPROXY_LISTEN", "localhost:1"), args: map[string]string{"url": "https://c.example"}}, []string{
				"--url: describes a single environment, but dvproxy.yaml has 2; set it there, for each",
				"DVPROXY_LISTEN: describes a single environment, but dvproxy.yaml has 2; set it there, for each",
			},
		},
		"reach": {input{env: with(four(), "DVPROXY_LISTEN", ":7080")}, []string{
			"DVPROXY_LISTEN: is reached from beyond this machine; listen on localhost, or set in the file tls, or guard.dangerously_allow_plaintext: true; and clients, or guard.dangerously_allow_anyone: true",
		}},
		"loop": {input{env: with(four(), "DATAVERSE_URL", "http://127.0.0.1:7080")}, []string{
			"DATAVERSE_URL: leads back to dvproxy itself, which listens on localhost:7080; it must be the Dataverse environment",
		}},
		"secret file": {input{env: with(four(), "AZURE_CLIENT_SECRET", "", "AZURE_CLIENT_SECRET_FILE", "none")}, []string{
			"AZURE_CLIENT_SECRET_FILE: the file does not exist; put the secret there, or mount it",
		}},
		"redacted": {input{env: with(four(), "AZURE_CLIENT_SECRET", "[redacted]")}, []string{
			"AZURE_CLIENT_SECRET: is what dvproxy config shows in place of a secret; put the secret itself",
		}},
		"authority": {input{env: with(four(), "AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/contoso")}, []string{
			"AZURE_AUTHORITY_HOST: must be the origin alone, without a path or query: https://login.microsoftonline.com; the tenant belongs in tenant_id, and an address that is not Entra's in token_url",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, row.in)
			if diff := cmp.Diff(row.want, strings.Split(message(err), "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWarnings(t *testing.T) {
	for name, row := range map[string]struct {
		in   input
		want string
	}{
		"none":          {input{env: four()}, ""},
		"id of secret":  {input{env: with(four(), "AZURE_CLIENT_SECRET", "0a1b2c3d-0000-1111-2222-333344445555")}, "AZURE_CLIENT_SECRET: looks like the id of a secret; Entra wants the value, which it shows only when the secret is made"},
		"national":      {input{env: with(four(), "DATAVERSE_URL", "https://a.crm.dynamics.cn", "AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/")}, "AZURE_AUTHORITY_HOST: the url is in a national cloud, whose authority is probably https://login.partner.microsoftonline.cn"},
		"national, set": {input{env: with(four(), "DATAVERSE_URL", "https://a.crm.dynamics.cn", "AZURE_AUTHORITY_HOST", "login.partner.microsoftonline.cn")}, ""},
		"scope":         {input{file: strings.Replace(ok, "{", "{scope: https://b.crm.dynamics.com/.default, ", 1)}, "dvproxy.yaml:4:23: environments[0].credential.scope: is not for the origin of url, so Dataverse may refuse the token"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := load(t, row.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, c.Warnings.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
