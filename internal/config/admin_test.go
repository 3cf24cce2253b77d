package config

import (
	"slices"
	"strings"
	"testing"
)

// A program beside dvproxy needs to know the admin listener and nothing else.
func TestLoadAdmin(t *testing.T) {
	for name, row := range map[string]struct {
		in   input
		want string // the address, or what is wrong
	}{
		"nothing set":        {input{}, "localhost:7081"},
		"variable":           {input{env: map[string]string{"DVPROXY_ADMIN": "LOCALHOST:1"}}, "localhost:1"},
		"flag":               {input{args: map[string]string{"admin": "localhost:2"}, env: map[string]string{"DVPROXY_ADMIN": "localhost:1"}}, "localhost:2"},
		"file":               {input{file: "admin: {listen: localhost:3}"}, "localhost:3"},
		"off":                {input{file: "admin: {listen: 'off'}"}, "off"},
		"mistakes elsewhere": {input{file: "drain: {timeout: x}\nenvironments: [{url: 1}]", args: map[string]string{"log-level": "x"}}, "localhost:7081"},
		"wrong":              {input{file: "admin: {listen: x}\nlog: {level: x}"}, "dvproxy.yaml:1:17: admin.listen: must be a host and a port"},
		"wrong key":          {input{file: "admin: {lisen: localhost:1}"}, "dvproxy.yaml:1:9: admin.lisen: unknown key; did you mean listen?"},
		"wrong variable":     {input{env: map[string]string{"DVPROXY_ADMIN": "x"}}, "DVPROXY_ADMIN: must be a host and a port"},
		"wrong flag":         {input{args: map[string]string{"admin": ""}}, "--admin: needs a value"},
		"no YAML":            {input{file: "admin: ["}, "dvproxy.yaml:1:9: not valid YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _ = load(t, row.in) // writes the file
			args := map[string]string{}
			if row.in.file != "" {
				args["config"] = "dvproxy.yaml"
			}
			for k, v := range row.in.args {
				args[k] = v
			}
			a, err := LoadAdmin(Source{Args: args, Getenv: func(name string) string { return row.in.env[name] }})
			got := a.Listen
			if err != nil {
				got = err.Error()
			}
			if got != row.want && (err == nil || !strings.HasPrefix(got, row.want)) {
				t.Errorf("%s, want %s", got, row.want)
			}
		})
	}
}

func TestDefaultsOfTheCaller(t *testing.T) {
	for name, row := range map[string]struct{ file, env, want string }{
		"nothing set": {"", "", "warn"},
		"file":        {"log: {level: info}", "", "info"},
		"variable":    {"", "debug", "debug"},
	} {
		t.Run(name, func(t *testing.T) {
			in := input{file: row.file, env: with(four(), "DVPROXY_LOG_LEVEL", row.env)}
			_, _ = load(t, in) // writes the file
			args := map[string]string{}
			if row.file != "" {
				args["config"] = "dvproxy.yaml"
			}
			c, err := Load(Source{Args: args, Getenv: func(name string) string { return in.env[name] }, Defaults: map[string]string{"log.level": "warn"}})
			if err != nil {
				t.Fatal(err)
			}
			if c.Log.Level != row.want || c.Drain.Timeout == 0 {
				t.Errorf("log.level %s, want %s; drain.timeout %v", c.Log.Level, row.want, c.Drain.Timeout)
			}
		})
	}
}

func TestCredentialVariables(t *testing.T) {
	got := CredentialVariables()
	for _, want := range []string{
		"AZURE_CLIENT_SECRET", "AZURE_CLIENT_SECRET_FILE", "AZURE_CLIENT_CERTIFICATE_PATH",
		"AZURE_CLIENT_CERTIFICATE_PASSWORD", "AZURE_FEDERATED_TOKEN_FILE",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in %v", want, got)
		}
	}
	for _, harmless := range []string{"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "DATAVERSE_URL"} {
		if slices.Contains(got, harmless) {
			t.Errorf("%s is none", harmless)
		}
	}
}
