package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClients(t *testing.T) {
	dir := t.TempDir()
	good, short := filepath.Join(dir, "good"), filepath.Join(dir, "short")
	for path, secret := range map[string]string{good: strings.Repeat("s", 16), short: strings.Repeat("s", 15) + "\n"} {
		if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct{ in, want string }{
		{"[{id: a, secret_file: GOOD}, {id: b, secret_file: GOOD}]", ""},
		{"[]", "environments[0].clients: is empty: name the clients that may use the listener, or leave it out to let in every account that reaches it"},
		{"", "environments[0].clients: is empty: name the clients that may use the listener, or leave it out to let in every account that reaches it"},
		{"[{secret_file: GOOD}]", "environments[0].clients[0].id: missing: a name for the client, for example nightly-import"},
		{"[{id: 'a:b', secret_file: GOOD}]", "environments[0].clients[0].id: must contain neither spaces nor colons, which Basic authentication could not carry"},
		{"[{id: a, secret_file: GOOD}, {id: A, secret_file: GOOD}]", "environments[0].clients[1].id: is the name of environments[0].clients[0] too; give each client a name of its own"},
		{"[{id: a}]", "environments[0].clients[0].secret_file: missing: a file that holds the client's secret; a good one comes from: openssl rand -hex 32"},
		{"[{id: a, secret_file: none}]", "environments[0].clients[0].secret_file: the file does not exist; put the secret there, or mount it"},
		{"[{id: a, secret_file: SHORT}]", "environments[0].clients[0].secret_file: holds a secret of less than 16 characters, which can be guessed; a good one comes from: openssl rand -hex 32"},
		{"[{id: a, secret: x, secret_file: GOOD}]", "environments[0].clients[0].secret: unknown key; did you mean secret_file?"},
	} {
		in := strings.NewReplacer("GOOD", "'"+good+"'", "SHORT", "'"+short+"'").Replace(row.in)
		_, err := load(t, input{file: ok + "  clients: " + in})
		got := message(err)
		if i := strings.Index(got, "environments"); i > 0 {
			got = got[i:]
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s: %s", row.in, diff)
		}
	}
}

// Clients stand in for dangerously_allow_anyone, and not for TLS.
func TestReachWithClients(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(strings.Repeat("s", 16)), 0o600); err != nil {
		t.Fatal(err)
	}
	const reached = "dvproxy.yaml:5:11: environments[0].listen: is reached from beyond this machine; listen on localhost, or set in the file "
	clients := "  clients: [{id: a, secret_file: '" + file + "'}]\n"
	for in, want := range map[string]string{
		clients: reached + "tls, or guard.dangerously_allow_plaintext: true",
		clients + "  guard: {dangerously_allow_plaintext: true}": "",
		"  guard: {dangerously_allow_plaintext: true}":           reached + "clients, or guard.dangerously_allow_anyone: true",
	} {
		_, err := load(t, input{file: ok + "  listen: 0.0.0.0:7080\n" + in})
		if diff := cmp.Diff(want, message(err)); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
}
