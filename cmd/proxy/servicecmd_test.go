package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dvproxy/internal/supervisor"
)

const tenantFlags = "AZURE_TENANT_ID=contoso.onmicrosoft.com AZURE_CLIENT_ID=11111111-1111-1111-1111-111111111111 DATAVERSE_URL=https://contoso.crm.dynamics.com "

func envOf(pairs string) func(string) string {
	return func(name string) string {
		for pair := range strings.FieldsSeq(pairs) {
			if of, value, _ := strings.Cut(pair, "="); of == name {
				return value
			}
		}
		return ""
	}
}

func TestServicePlan(t *testing.T) {
	dir := t.TempDir()
	places := supervisor.Places{Config: filepath.Join(dir, "own.yaml"), Secret: filepath.Join(dir, "client-secret"), Log: filepath.Join(dir, "dvproxy.log")}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	head := "environments:\n  - url: https://contoso.crm.dynamics.com\n    credential: {tenant_id: contoso.onmicrosoft.com, client_id: one, "
	federated := write("federated", "a token")
	theirs := write("theirs.yaml", head+"client_secret_file: "+places.Secret+"}\n")
	other := write("other.yaml", head+"federated_token_file: "+federated+"}\n")
	open := write("open.yaml", "environments:\n  - url: https://contoso.crm.dynamics.com\n")
	for _, row := range []struct {
		name   string
		flags  map[string]string
		env    string
		args   []string
		secret bool
		file   string // words of the file to be written
		wrong  string // words of the error
	}{
		{name: "variables", env: tenantFlags, args: []string{"--config=" + places.Config}, secret: true, file: "client_secret_file: " + places.Secret},
		{name: "a secret in a variable", env: tenantFlags + "AZURE_CLIENT_SECRET=swordfish", args: []string{"--config=" + places.Config}, secret: true, file: "client_secret_file: " + places.Secret},
		{name: "another way", env: tenantFlags + "AZURE_FEDERATED_TOKEN_FILE=" + federated, args: []string{"--config=" + places.Config}, file: "federated_token_file: " + federated},
		{name: "flags", flags: map[string]string{"listen": "localhost:7999"}, env: tenantFlags, args: []string{"--config=" + places.Config}, secret: true, file: "listen: localhost:7999"},
		{name: "a file", flags: map[string]string{"config": theirs}, args: []string{"--config=" + theirs}, secret: true},
		{name: "a file and more", flags: map[string]string{"config": theirs, "listen": "localhost:7999"}, env: "DVPROXY_ADMIN=off", args: []string{"--admin=off", "--config=" + theirs, "--listen=localhost:7999"}, secret: true},
		{name: "a file by a variable", env: "DVPROXY_CONFIG=" + other, args: []string{"--config=" + other}},
		{name: "nothing", wrong: "DATAVERSE_URL: missing"},
		{name: "a file that needs variables", flags: map[string]string{"config": open}, env: tenantFlags, wrong: "variables do not reach a service"},
		{name: "no file", flags: map[string]string{"config": filepath.Join(dir, "none")}, wrong: "cannot read"},
		{name: "a password", env: tenantFlags + "AZURE_CLIENT_CERTIFICATE_PASSWORD=swordfish", wrong: "certificate_password_file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.flags == nil {
				row.flags = map[string]string{}
			}
			p, err := planService(row.flags, envOf(row.env), places)
			if row.wrong != "" {
				if err == nil || !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), row.wrong) {
					t.Errorf("error %v, want one of usage with %q", err, row.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(p.arguments, row.args) || p.takesSecret != row.secret {
				t.Errorf("arguments %q, takes a secret: %v; want %q, %v", p.arguments, p.takesSecret, row.args, row.secret)
			}
			if !strings.Contains(string(p.file), row.file) || (p.file == nil) != (row.file == "") || strings.Contains(string(p.file), "swordfish") {
				t.Errorf("file %s, want one with %q and no secret", p.file, row.file)
			}
		})
	}
}

func TestTakeSecret(t *testing.T) {
	dir := t.TempDir()
	file := func(text string) *os.File {
		f, err := os.CreateTemp(dir, "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, row := range []struct{ env, stdin, want, wrong string }{
		{env: "AZURE_CLIENT_SECRET=a", stdin: "b", want: "a"},
		{env: "AZURE_CLIENT_SECRET_FILE=" + file("c\n").Name(), stdin: "b", want: "c"},
		{stdin: "b\n", want: "b"},
		{stdin: "\ufeffb\r\n", want: "b"},
		{stdin: "", wrong: "there is no client secret"},
		{stdin: "swordfish\nanother\n", wrong: "not one line"},
		{env: "AZURE_CLIENT_SECRET=swordfish AZURE_CLIENT_SECRET_FILE=x", wrong: "keep one"},
		{env: "AZURE_CLIENT_SECRET_FILE=" + filepath.Join(dir, "none"), wrong: "does not exist"},
	} {
		got, err := takeSecret(envOf(row.env), file(row.stdin), io.Discard)
		if string(got) != row.want || (err == nil) != (row.wrong == "") {
			t.Errorf("%q, %q: %q, %v", row.env, row.stdin, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), row.wrong) || strings.Contains(err.Error(), "swordfish")) {
			t.Errorf("%q, %q: error %v, want %q and no secret", row.env, row.stdin, err, row.wrong)
		}
	}
}

func TestServiceStatus(t *testing.T) {
	ready := http.StatusOK
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(ready)
		io.WriteString(w, `{"ready": `+map[bool]string{true: "true", false: "false"}[ready == http.StatusOK]+`, "environments": [{"name": "contoso"}]}`)
	}))
	defer admin.Close()
	command := []string{"dvproxy", "serve", "--admin=" + admin.Listener.Addr().String()}
	for _, row := range []struct {
		in    supervisor.Status
		ready int
		want  string
		up    bool
	}{
		{supervisor.Status{State: "running", Running: true, PID: 7, Command: command}, http.StatusOK, "service:  running (process 7)\nlast end: -\ncommand:  " + strings.Join(command, " ") + "\nready:    yes\n", true},
		{supervisor.Status{State: "running", Running: true, Command: command}, http.StatusServiceUnavailable, "ready:    no: not ready; contoso has no token yet\n", false},
		{supervisor.Status{State: "running", Running: true, Command: []string{"dvproxy", "--admin=off"}}, 0, "ready:    not known: the admin listener is off", true},
		{supervisor.Status{State: "stopped", Exit: "exit code 1", Command: command}, 0, "service:  stopped\nlast end: exit code 1\n", false},
	} {
		ready = row.ready
		var out bytes.Buffer
		err := printServiceStatus(context.Background(), &out, row.in)
		if !strings.Contains(out.String(), row.want) || (err == nil) != row.up {
			t.Errorf("%+v: error %v, said:\n%s\nwant:\n%s", row.in, err, &out, row.want)
		}
	}
}
