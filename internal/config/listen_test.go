//go:build unix

package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// certificates puts a.pem and a-key.pem, b.pem and b-key.pem into a new working
// directory, and a few files that are none.
func certificates(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	write := func(name, kind string, der []byte, mode os.FileMode) {
		var b bytes.Buffer
		_ = pem.Encode(&b, &pem.Block{Type: kind, Bytes: der})
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "b"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
		cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		private, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(name+".pem", "CERTIFICATE", cert, 0o644)
		write(name+"-key.pem", "PRIVATE KEY", private, 0o600)
		write(name+"-open.pem", "PRIVATE KEY", private, 0o602)
		write(name+"-read.pem", "PRIVATE KEY", private, 0o604)
	}
	if err := os.WriteFile("junk", []byte("s3cret-in-the-wrong-place"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("open", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod("open", 0o777); err != nil {
		t.Fatal(err)
	}
}

// loadHere is load in the working directory.
func loadHere(t *testing.T, text string) (*Config, error) {
	t.Helper()
	if err := os.WriteFile("dvproxy.yaml", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(Source{Args: map[string]string{"config": "dvproxy.yaml"}, Getenv: func(string) string { return "" }})
}

func TestListenerSettings(t *testing.T) {
	certificates(t)
	for _, row := range []struct{ in, want string }{
		{"  tls: {cert_file: a.pem, key_file: a-key.pem}", ""},
		{"  tls: {cert_file: a.pem}", "dvproxy.yaml:5:8: environments[0].tls.key_file: missing: the file with the private key of the certificate in cert_file"},
		{"  tls: {key_file: a-key.pem}", "dvproxy.yaml:5:8: environments[0].tls.cert_file: missing: the file with the certificate for the private key in key_file"},
		{"  tls: {cert_file: none, key_file: a-key.pem}", "dvproxy.yaml:5:20: environments[0].tls.cert_file: the file cannot be read: no such file or directory"},
		{"  tls: {cert_file: a.pem, key_file: none}", "dvproxy.yaml:5:37: environments[0].tls.key_file: the file does not exist; put the secret there, or mount it"},
		{"  tls: {cert_file: a.pem, key_file: a-open.pem}", "dvproxy.yaml:5:37: environments[0].tls.key_file: every account on this machine may write to the file; take that away with: chmod o-w"},
		{"  tls: {cert_file: a.pem, key_file: b-key.pem}", "dvproxy.yaml:5:20: environments[0].tls.cert_file: is no certificate for the key in key_file, both as PEM: tls: private key does not match public key"},
		{"  tls: {cert_file: a.pem, key_file: junk}", "dvproxy.yaml:5:20: environments[0].tls.cert_file: is no certificate for the key in key_file, both as PEM: tls: failed to find any PEM data in key input"},
		{"  tls: {self_signed: true}", "dvproxy.yaml:5:22: environments[0].tls.self_signed: needs state_dir, a folder of dvproxy's own: the CA that clients trust is kept there"},
		{"  tls: {self_signed: true}\nstate_dir: state", ""},
		{"  tls: {self_signed: true, key_file: a-key.pem}\nstate_dir: state", "dvproxy.yaml:5:22: environments[0].tls.self_signed: is set beside cert_file or key_file; keep one way"},
		{"state_dir: a.pem", "dvproxy.yaml:5:12: state_dir: must be a folder"},
		{"state_dir: a.pem/x", "dvproxy.yaml:5:12: state_dir: the folder cannot be used: not a directory"},
		{"state_dir: open", "dvproxy.yaml:5:12: state_dir: every account on this machine may write to the folder; take that away with: chmod o-w; or name a folder in it, which dvproxy makes for itself"},
		{"  ca_file: a.pem", ""},
		{"  ca_file: none", "dvproxy.yaml:5:12: environments[0].ca_file: the file cannot be read: no such file or directory"},
		{"  ca_file: a-key.pem", "dvproxy.yaml:5:12: environments[0].ca_file: the file holds no certificate as PEM (-----BEGIN CERTIFICATE-----)"},
		{"  listen: unix:/run/a.sock\n  socket_mode: 0660\n  socket_group: 0", ""},
		{"  listen: unix:/run/a.sock\n  socket_mode: 0o1777", "dvproxy.yaml:6:16: environments[0].socket_mode: must be permissions in octal of at least 0200, for example 0600"},
		{"  listen: unix:/run/a.sock\n  socket_mode: rw", "dvproxy.yaml:6:16: environments[0].socket_mode: must be permissions in octal of at least 0200, for example 0600"},
		{"  listen: unix:/run/a.sock\n  socket_group: no-such-group", "dvproxy.yaml:6:17: environments[0].socket_group: there is no such group on this machine; create it, or name another"},
		{"  socket_group: root", "dvproxy.yaml:5:17: environments[0].socket_group: is for a Unix socket only; set listen to one, for example unix:/run/dvproxy/contoso.sock"},
		{"admin: {listen: unix:/run/a.sock}", "dvproxy.yaml:5:17: admin.listen: cannot be a Unix socket; write host:port, for example localhost:7080"},
		{"  guard: {allowed_hosts: ['unix:/run/a.sock']}", "dvproxy.yaml:5:27: environments[0].guard.allowed_hosts[0]: must be a host name or IP address, with or without a port, for example dvproxy.internal:7080"},
	} {
		_, err := loadHere(t, ok+row.in)
		if diff := cmp.Diff(row.want, message(err)); diff != "" {
			t.Errorf("%s:\n%s", row.in, diff)
		}
	}
}

func TestKeyThatOthersRead(t *testing.T) {
	certificates(t)
	c, err := loadHere(t, ok+"  tls: {cert_file: a.pem, key_file: a-read.pem}")
	if err != nil {
		t.Fatal(err)
	}
	const want = "dvproxy.yaml:5:37: environments[0].tls.key_file: every account on this machine may read the file (mode 0604); if that is not meant: chmod o-r"
	if diff := cmp.Diff(want, c.Warnings.Error()); diff != "" {
		t.Error(diff)
	}
}

// Each half of the danger of a listener beyond this machine is closed or accepted by itself.
func TestReach(t *testing.T) {
	certificates(t)
	const plain, anyone = "tls, or guard.dangerously_allow_plaintext: true", "clients, or guard.dangerously_allow_anyone: true"
	for _, row := range []struct {
		in   string
		want []string
	}{
		{"", []string{plain, anyone}},
		{"  tls: {cert_file: a.pem, key_file: a-key.pem}", []string{anyone}},
		{"  guard: {dangerously_allow_plaintext: true}", []string{anyone}},
		{"  guard: {dangerously_allow_anyone: true}", []string{plain}},
		{"  guard: {dangerously_allow_anyone: true, dangerously_allow_plaintext: true}", nil},
		{"  guard: {dangerously_allow_anyone: true}\n  tls: {cert_file: a.pem, key_file: a-key.pem}", nil},
	} {
		_, err := loadHere(t, ok+"  listen: 0.0.0.0:7080\n"+row.in)
		for _, what := range []string{plain, anyone} {
			want := strings.Contains(strings.Join(row.want, " "), what)
			if got := strings.Contains(message(err), what); got != want {
				t.Errorf("%q: asks for %q: %v, want %v: %v", row.in, what, got, want, err)
			}
		}
	}
}

func TestTwoEnvironmentsOnOneSocket(t *testing.T) {
	_, err := load(t, input{file: ok + "  listen: unix:/run/a.sock\n- url: https://b.crm.dynamics.com\n  listen: unix:/run/./a.sock\n  credential: {tenant_id: t, client_id: c, client_secret: s}\n"})
	const want = "dvproxy.yaml:7:11: environments[1].listen: unix:/run/a.sock is where environments[0].listen listens already; give each listener a path of its own"
	if diff := cmp.Diff(want, message(err)); diff != "" {
		t.Error(diff)
	}
}

func TestRoots(t *testing.T) {
	certificates(t)
	if pool, err := (Environment{}).Roots(); pool != nil || err != nil {
		t.Errorf("without ca_file: %v, %v; want the system's", pool, err)
	}
	pool, err := Environment{CAFile: "a.pem"}.Roots()
	if err != nil {
		t.Fatal(err)
	}
	system, err := x509.SystemCertPool()
	if err != nil {
		t.Fatal(err)
	}
	if pool.Equal(system) {
		t.Error("the file's certificate is not among the roots")
	}
	if _, err := (Environment{CAFile: "junk"}).Roots(); err == nil || !strings.Contains(err.Error(), "ca_file junk: ") {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestParseMode(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"0600", "0600"},
		{"660", "0660"},
		{"0o666", "0666"},
		{"0", "0000"},
		{"1777", ""},
		{"0x1ff", ""},
		{"-600", ""},
		{"0800", ""},
		{"", ""},
	} {
		m, err := ParseMode(row.in)
		if got := m.String(); (err == nil) != (row.want != "") || err == nil && got != row.want {
			t.Errorf("%q: %s, %v; want %q", row.in, got, err, row.want)
		}
	}
}

func TestGroupByName(t *testing.T) {
	g, err := user.LookupGroupId("0")
	if err != nil {
		t.Skip("group 0 has no name here: ", err)
	}
	if !groupExists(g.Name) {
		t.Errorf("there is no group %s", g.Name)
	}
	if abs := filepath.Join(t.TempDir(), "x"); groupExists(abs) {
		t.Errorf("there is a group %s", abs)
	}
}
