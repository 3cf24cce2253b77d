package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// filed are the ways whose proof is in a file that may be replaced.
func (k kept) filed(t testing.TB, s *simulator.Server) []way {
	t.Helper()
	return []way{
		{"secret", "client_secret_file: " + k.dir.write(t, "secret", []byte(s.ClientSecret()))},
		{"cert", "certificate_file: " + k.dir.write(t, "cert", k.cert.pem())},
		{"token", "federated_token_file: " + k.dir.write(t, "token", []byte(k.cluster.Token(k.subject, time.Hour)))},
	}
}

// A file that cannot be used for longer than a token lives loses nothing; the
// log says what to do.
func TestBrokenFilesLoseNothing(t *testing.T) {
	t.Parallel()
	const lifetime = time.Second
	s := tenant(t, simulator.Options{TokenLifetime: lifetime})
	k := trust(t, s)
	ways := k.filed(t, s)
	p, origins := startWays(t, s, ways)
	p.ready(t)
	c := newClient(t)
	files := map[string][]byte{}
	for _, w := range ways {
		data, err := os.ReadFile(filepath.Join(string(k.dir), w.name))
		if err != nil {
			t.Fatal(err)
		}
		files[w.name] = data
	}
	stranger, err := simulator.NewFederatedIssuer("https://oidc.example/cluster/")
	if err != nil {
		t.Fatal(err)
	}
	wrong := map[string][]byte{
		"secret": []byte("another"), "token": []byte(stranger.Token(k.subject, time.Hour)),
		"cert": newIdentity(t, time.Now().Add(time.Hour), nil).pem(),
	}
	for _, tt := range []struct {
		name string
		do   func(path string, data []byte) error
		says string // in the log
	}{
		{"half-written", func(path string, data []byte) error { return os.WriteFile(path, data[:len(data)/2], 0o600) }, "may not be whole yet"},
		{"empty", func(path string, _ []byte) error { return os.Truncate(path, 0) }, "the file is empty; put the secret there"},
		{"other-writable", func(path string, _ []byte) error { return os.Chmod(path, 0o646) }, "chmod o-w"},
		{"wrong", func(path string, _ []byte) error { return os.WriteFile(path, wrong[filepath.Base(path)], 0o600) }, "AADSTS700027"},
		{"gone", func(path string, _ []byte) error { return os.Remove(path) }, "put the secret there, or mount it"},
	} {
		for name, data := range files {
			if err := tt.do(filepath.Join(string(k.dir), name), data); err != nil {
				t.Fatal(err)
			}
		}
		var outcomes tally
		for end := time.Now().Add(3 * lifetime / 2); time.Now().Before(end); {
			for _, origin := range origins {
				outcomes.add(send(t, c, "GET", origin+"/api/data/v9.2/WhoAmI", nil))
			}
		}
		if bad := outcomes.bad(); len(bad) > 0 || outcomes.total() < 10 {
			t.Errorf("%s: %d requests, of which not 2xx: %v", tt.name, outcomes.total(), bad)
		}
		eventually(t, 10*time.Second, fmt.Sprintf("%s: the log says %q", tt.name, tt.says), func() bool { return strings.Contains(p.allLogs(), tt.says) })
		for name, data := range files {
			k.dir.write(t, name, data)
		}
	}
}

// A wrong file is refused from the start, and one that is mended is seen within
// seconds, without a restart.
func TestMendedFilesAreSeen(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	k := trust(t, s)
	ways := k.filed(t, s)
	k.dir.write(t, "secret", []byte("half"))
	k.dir.write(t, "cert", k.cert.pem()[:1000])
	k.dir.write(t, "token", []byte(k.cluster.Token(k.subject, -time.Hour)))
	_, origins := startWays(t, s, ways)
	c := newClient(t)
	for name, origin := range origins {
		if o := send(t, c, "GET", origin+"/api/data/v9.2/WhoAmI", nil); o.status < 500 || o.code == "" {
			t.Errorf("%s: %v, want a refusal of dvproxy's", name, o)
		}
	}
	k.filed(t, s)
	mended := time.Now()
	var wg sync.WaitGroup
	for name, origin := range origins {
		wg.Go(func() {
			c := newClient(t)
			o := outcome{}
			for o.status != http.StatusOK && time.Since(mended) < 20*time.Second {
				o = send(t, c, "GET", origin+"/api/data/v9.2/WhoAmI", nil)
			}
			if o.status != http.StatusOK { // a refused sign-in is tried again after 30 s
				t.Errorf("%s: %v after %v, want 200 within seconds", name, o, time.Since(mended))
			}
		})
	}
	wg.Wait()
}

// Each file is named at the start with its setting and the command that mends it.
func TestUnusableFilesAtTheStart(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	dir := newFolder(t)
	open := dir.write(t, "open", []byte("secret"))
	if err := os.Chmod(open, 0o666); err != nil {
		t.Fatal(err)
	}
	empty := dir.write(t, "empty", nil)
	ways := []way{
		{"a", "client_secret_file: " + open},
		{"b", "certificate_file: " + string(dir) + "/none"},
		{"c", "federated_token_file: " + empty},
		{"d", "client_secret_file: " + string(dir)},
	}
	_, stderr, exit := checkRun(t, []string{"DVPROXY_CONFIG=" + waysFile(t, s, ways)})
	if exit != 2 {
		t.Errorf("exit code %d, want 2", exit)
	}
	for _, want := range []string{
		"environments[0].credential.client_secret_file: every account on this machine may write to the file; take that away with: chmod o-w",
		"environments[1].credential.certificate_file: the file does not exist; put the secret there, or mount it",
		"environments[2].credential.federated_token_file: the file is empty; put the secret there",
		"environments[3].credential.client_secret_file: is a folder; name the file in it that holds the secret",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("not said: %s\nin:\n%s", want, stderr)
		}
	}
}

// Secrets, certificates and federated tokens are rotated while clients push, in
// either order: the old one goes before or after the file is replaced.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	// A proof that is refused is looked at again after a second, so a token has to
	// outlive a few of those.
	const lifetime, run = 5 * time.Second, 10 * time.Second
	s := tenant(t, simulator.Options{TokenLifetime: lifetime})
	k := trust(t, s)
	p, origins := startWays(t, s, k.filed(t, s))
	p.ready(t)
	before := tokenCalls(s)

	rotated := 0
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(900 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				rotated++
				k.rotate(t, s, rotated)
			}
		}
	}()
	var wg sync.WaitGroup
	outcomes := map[string]*tally{}
	var mu sync.Mutex // guards outcomes
	for name, origin := range origins {
		wg.Go(func() {
			o := push(t, origin, 16/len(origins)+1, run)
			mu.Lock()
			defer mu.Unlock()
			outcomes[name] = o
		})
	}
	wg.Wait()
	close(stop)
	<-done
	sent := 0
	for name, o := range outcomes {
		sent += o.total()
		if bad := o.bad(); len(bad) > 0 || o.total() < 200 {
			t.Errorf("%s: %d requests, of which not 2xx: %v", name, o.total(), bad)
		}
	}
	stats := s.Stats()
	if stats.DeadTokens > 0 || len(stats.Refused) > 0 || stats.Requests != sent || rotated < 5 {
		t.Errorf("%d rotations, %d dead tokens, refused %v; %d requests sent, %d arrived", rotated, stats.DeadTokens, stats.Refused, sent, stats.Requests)
	}
	t.Logf("%d rotations of each; token calls %v, of which %d before", rotated, stats.TokenCalls, before)
}

// rotate replaces all proofs by the nth ones. The old ones are good for a while
// beside the new, or for every other n end before the files are there.
func (k *kept) rotate(t testing.TB, s *simulator.Server, n int) {
	t.Helper()
	secret, cert := fmt.Sprintf("secret-number-%d", n), newIdentity(t, time.Now().Add(time.Hour), nil)
	cluster, err := simulator.NewFederatedIssuer("https://oidc.example/cluster/")
	if err != nil {
		t.Error(err)
		return
	}
	if n%2 == 0 {
		s.SetSecrets(secret, s.ClientSecret())
		s.SetCertificates(cert.certificate, k.cert.certificate)
		_ = s.SetFederatedCredentials(cluster.Credential(k.subject), k.cluster.Credential(k.subject))
	} else {
		s.SetSecrets(secret)
		s.SetCertificates(cert.certificate)
		_ = s.SetFederatedCredentials(cluster.Credential(k.subject))
		<-time.After(300 * time.Millisecond) // somebody has to type
	}
	k.dir.write(t, "secret", []byte(secret))
	k.dir.write(t, "cert", cert.pem())
	k.dir.write(t, "token", []byte(cluster.Token(k.subject, time.Hour)))
	s.SetSecrets(secret)
	s.SetCertificates(cert.certificate)
	_ = s.SetFederatedCredentials(cluster.Credential(k.subject))
	k.cert, k.cluster = cert, cluster
}
