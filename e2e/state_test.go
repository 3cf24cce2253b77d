package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

const whoAmI = "/api/data/v9.2/WhoAmI"

// keeping is a configuration with a state_dir, and the folder.
func keeping(t testing.TB, more string) (setting, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "state")
	return "DVPROXY_CONFIG=" + configFile(t, "state_dir: "+dir+"\n"+more), dir
}

// outage makes the token endpoint refuse every call.
func outage(t testing.TB, s *simulator.Server) {
	t.Helper()
	if err := s.FailEntra(simulator.Fault{Kind: simulator.FaultStatus, Status: 503}); err != nil {
		t.Fatal(err)
	}
}

// entryIn waits until dvproxy has put a token into the folder.
func entryIn(t testing.TB, dir string) {
	t.Helper()
	eventually(t, 20*time.Second, "a token is kept", func() bool {
		names, _ := filepath.Glob(filepath.Join(dir, "tokens", "*.token"))
		return len(names) > 0
	})
}

// leaveToken lets a dvproxy put a token into the folder, and kills it.
func leaveToken(t testing.TB, s *simulator.Server, dir string, settings ...string) {
	t.Helper()
	p := serve(t, s, settings...)
	p.ready(t)
	entryIn(t, dir)
	p.kill()
}

// noSecretIn looks at every file in a folder, its name and its mode too.
func noSecretIn(t testing.TB, dir string, secrets ...string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if e.IsDir() {
			return nil
		}
		files++
		data, err := os.ReadFile(path)
		for _, secret := range secrets {
			if strings.Contains(path+string(data), secret) {
				t.Errorf("a secret or a token is in %s as it is", path)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files in %s: %v", files, dir, err)
	}
}

// dvproxy is killed, and starts again while Entra is down: the first request is
// answered, and no token was asked for.
func TestRestartWhileEntraIsDown(t *testing.T) {
	s := tenant(t, simulator.Options{})
	setting, dir := keeping(t, "")
	leaveToken(t, s, dir, setting)
	noSecretIn(t, dir, s.ClientSecret(), "eyJ") // as the simulator's tokens begin
	outage(t, s)
	calls := tokenCalls(s)
	p := serve(t, s, setting)
	if o := send(t, newClient(t), "GET", p.origin+whoAmI, nil); o.status != 200 {
		t.Errorf("first request after the restart: %v", o)
	}
	if got := tokenCalls(s) - calls; got != 0 {
		t.Errorf("%d token calls, want none", got)
	}
	if s.Stats().DeadTokens > 0 {
		t.Error("a dead token was sent")
	}
	if code := p.terminate(t); code != 0 || strings.Contains(p.allLogs(), "trouble") {
		t.Errorf("exit code %d\n%s", code, p.allLogs())
	}
}

// Another secret, or a token that has died meanwhile, opens no doors: the
// second dvproxy has to sign in.
func TestKeptTokensThatDoNotCount(t *testing.T) {
	t.Run("another secret", func(t *testing.T) {
		s := tenant(t, simulator.Options{})
		setting, dir := keeping(t, "environments:\n  - retry: {max_wait: 1s}\n")
		leaveToken(t, s, dir, setting)
		outage(t, s)
		p := serve(t, s, setting, "AZURE_CLIENT_SECRET=another-secret")
		if o := send(t, newClient(t), "GET", p.origin+whoAmI, nil); o.status != 503 || o.code != "dvproxy.token_unavailable" {
			t.Errorf("with another secret: %v", o)
		}
		p.kill()
		p = serve(t, s, setting)
		if o := send(t, newClient(t), "GET", p.origin+whoAmI, nil); o.status != 200 {
			t.Errorf("with the first secret again: %v", o)
		}
	})
	t.Run("dead", func(t *testing.T) {
		s := tenant(t, simulator.Options{TokenLifetime: 2 * time.Second})
		setting, dir := keeping(t, "environments:\n  - retry: {max_wait: 1s}\n")
		leaveToken(t, s, dir, setting)
		outage(t, s)
		<-time.After(2 * time.Second)
		p := serve(t, s, setting)
		if o := send(t, newClient(t), "GET", p.origin+whoAmI, nil); o.status != 503 || s.Stats().DeadTokens != 0 {
			t.Errorf("answered %v; dead tokens sent: %d", o, s.Stats().DeadTokens)
		}
	})
}

// A token that Dataverse refused is not there after a restart, though the
// restart came before there was another.
func TestARefusedTokenIsNotKept(t *testing.T) {
	s := tenant(t, simulator.Options{})
	setting, dir := keeping(t, "environments:\n  - retry: {max_wait: 1s}\n")
	p := serve(t, s, setting)
	p.ready(t)
	entryIn(t, dir)
	outage(t, s)
	s.RevokeTokens()
	if o := send(t, newClient(t), "GET", p.origin+whoAmI, nil); o.status != 503 {
		t.Errorf("with a revoked token: %v", o)
	}
	p.kill()
	before := s.Stats().Refused["revoked"]
	p = serve(t, s, setting)
	if o := send(t, newClient(t), "GET", p.origin+whoAmI, nil); o.status != 503 {
		t.Errorf("after the restart: %v", o)
	}
	if got := s.Stats().Refused["revoked"] - before; got != 0 {
		t.Errorf("the revoked token was sent %d times after the restart", got)
	}
	s.ClearEntraFaults()
	p.ready(t)
	entryIn(t, dir)
	p.kill()
	outage(t, s)
	p = serve(t, s, setting)
	if o := send(t, newClient(t), "GET", p.origin+whoAmI, nil); o.status != 200 {
		t.Errorf("the newer token was not kept: %v", o)
	}
}

// What counts is the key of the certificate, which may be renewed meanwhile.
func TestRestartByCertificate(t *testing.T) {
	s := tenant(t, simulator.Options{})
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "both.pem")
	s.SetCertificates(certificate(t, file, key, 1))
	setting, dir := keeping(t, "")
	by := []string{setting, "AZURE_CLIENT_SECRET=", "AZURE_CLIENT_CERTIFICATE_PATH=" + file}
	leaveToken(t, s, dir, by...)
	outage(t, s)
	calls := tokenCalls(s)
	s.SetCertificates(certificate(t, file, key, 2))
	p := serve(t, s, by...)
	if o := send(t, newClient(t), "GET", p.origin+whoAmI, nil); o.status != 200 || tokenCalls(s) != calls {
		t.Errorf("with a renewed certificate of the same key: %v, after %d token calls", o, tokenCalls(s)-calls)
	}
	p.kill()
	noSecretIn(t, dir, "eyJ", "PRIVATE KEY")
}

// certificate writes a certificate of a key, and the key, into a file.
func certificate(t testing.TB, file string, key *rsa.PrivateKey, serial int64) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: fmt.Sprint("dvproxy ", serial)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(100 * 24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What somebody has put in the place of the folder or of the entry costs a
// warning and a token call, and nothing else.
func TestHostileState(t *testing.T) {
	s := tenant(t, simulator.Options{})
	setting, dir := keeping(t, "")
	leaveToken(t, s, dir, setting)
	names, _ := filepath.Glob(filepath.Join(dir, "tokens", "*.token"))
	if err := os.WriteFile(names[0], []byte(strings.Repeat("x", 1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serve(t, s, setting)
	p.ready(t)
	if o := send(t, newClient(t), "GET", p.origin+whoAmI, nil); o.status != 200 {
		t.Errorf("answered %v", o)
	}
	if got := strings.Count(p.allLogs(), "trouble with a token on disk"); got != 1 || !strings.Contains(p.allLogs(), "over 512 KiB") {
		t.Errorf("%d warnings, want one", got)
	}
	eventually(t, 20*time.Second, "the entry is replaced", func() bool {
		info, err := os.Stat(names[0])
		return err == nil && info.Size() < 1<<20
	})
}
