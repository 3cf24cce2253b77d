package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

func TestCurlSelfSigned(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	b := curlWith(t, "localhost:0", "environments:\n- tls: {self_signed: true}\n  guard: {allowed_hosts: [gateway.internal]}\nstate_dir: "+state+"\n")
	if !strings.HasPrefix(b.proxy.origin, "https://localhost:") {
		t.Fatalf("origin %s", b.proxy.origin)
	}
	ca := logged(t, b.proxy, "clients have to trust the local CA", "file")
	port := strings.TrimPrefix(b.proxy.origin, "https://localhost:")

	if c := b.do(api + "WhoAmI"); c.exit != 60 {
		t.Errorf("without --cacert curl exits with %d, want 60 (not trusted): %s", c.exit, c.stderr)
	}
	for _, tt := range []struct {
		in   []string
		want string // HTTP version
	}{
		{[]string{"--http2"}, "HTTP/2 "},
		{[]string{"--http1.1"}, "HTTP/1.1 "},
		{[]string{"--http1.0"}, "HTTP/1.0 "},
		{[]string{"--tlsv1.2", "--tls-max", "1.2"}, "HTTP/2 "},
	} {
		for _, name := range []string{"localhost", "127.0.0.1", "[::1]", "gateway.internal"} {
			args := append([]string{"--cacert", ca, "--resolve", "gateway.internal:" + port + ":127.0.0.1"}, tt.in...)
			created := b.do(append(args, "-H", "Content-Type: application/json", "-d", `{"name":"first"}`, "https://"+name+":"+port+accounts)...)
			if strings.HasPrefix(name, "[") && created.exit == 7 {
				continue // a machine without IPv6
			}
			created.want(t, "204")
			entity := strings.Join(append(created.fields("OData-EntityId"), created.fields("odata-entityid")...), "")
			if !strings.HasPrefix(entity, "https://"+name+":"+port+accounts+"(") {
				t.Errorf("%q, %s: OData-EntityId %q", tt.in, name, entity)
			}
			c := b.do(append(args, entity)...).want(t, "200")
			if head := c.heads[len(c.heads)-1]; !strings.HasPrefix(head, strings.TrimSpace(tt.want)) && tt.want != "HTTP/1.0 " {
				t.Errorf("%q: answered as %q, want %s", tt.in, head[:8], tt.want)
			}
			if head := strings.ToLower(c.heads[len(c.heads)-1]); strings.Contains(head, "strict-transport-security") {
				t.Errorf("%q: %s", tt.in, head)
			}
		}
	}
	b.do("--cacert", ca, "-H", "Host: evil.com", api+"WhoAmI").want(t, "421")
	b.do("--cacert", ca, "-H", "Origin: "+b.proxy.origin, api+"WhoAmI").want(t, "403")
	b.do("http://localhost:"+port+"/").want(t, "400")
	b.proxy.terminate(t)

	again := b.tenant.serve(t, "DVPROXY_CONFIG="+configFile(t, "environments:\n- tls: {self_signed: true}\nstate_dir: "+state+"\n"))
	again.ready(t)
	b.do("--cacert", ca, again.origin+api+"WhoAmI").want(t, "200")
}

// logged is an attribute of a log line with this message.
func logged(t *testing.T, p *proxy, message, name string) string {
	t.Helper()
	for line := range strings.SplitSeq(p.allLogs(), "\n") {
		var attributes map[string]any
		if json.Unmarshal([]byte(line), &attributes) == nil && attributes["msg"] == message {
			value, _ := attributes[name].(string)
			return value
		}
	}
	t.Fatalf("no line %q in the log", message)
	return ""
}

// An upload over HTTP/2 is replayed whole when its token is refused.
func TestUploadOverHTTP2AndARevocation(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	b := curlWith(t, "localhost:0", "environments: [{tls: {self_signed: true}}]\nstate_dir: "+state+"\n")
	ca := logged(t, b.proxy, "clients have to trust the local CA", "file")
	for i := range 3 {
		body := fmt.Sprintf(`{"name":"%d%s"}`, i, strings.Repeat("x", 1<<20))
		b.tenant.control(t, "POST /tokens/revoke", nil)
		b.send(strings.NewReader(body), "--cacert", ca, "--http2", "-H", "Content-Type: application/json", "-H", "Expect:", "--data-binary", "@-", accounts).want(t, "204")
	}
	if s := b.tenant.stats(t); s.Executed != 3 || s.Repeated != 0 || s.DeadTokens != 3 {
		t.Errorf("executed %d, repeated %d, dead tokens %d; want 3, 0, 3", s.Executed, s.Repeated, s.DeadTokens)
	}
}

// A folder holds a certificate, as a renewal tool leaves it: cert.pem and key.pem.
type certFolder struct {
	*testing.T
	dir string
}

// issue puts a new certificate into the folder, each file by rename, and
// returns the certificate. What is to be done before the second is done between.
func (f certFolder) issue(between func(*x509.Certificate)) *x509.Certificate {
	f.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		f.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	f.put("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		f.Fatal(err)
	}
	between(cert)
	f.put("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	return cert
}

func (f certFolder) put(name string, text []byte) {
	f.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		f.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		f.Fatal(err)
	}
}

// Certificates are replaced while clients write, each over a connection of its own:
// none fails, and each sees the new one in the end.
func TestCertificateFilesAreReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	f := certFolder{t, t.TempDir()}
	roots := x509.NewCertPool()
	f.issue(roots.AddCert)
	s := tenant(t, simulator.Options{})
	p := start(t, "proxyrace", append(env(s), "DVPROXY_LISTEN=127.0.0.1:0", "DVPROXY_CONFIG="+
		configFile(t, "environments:\n- tls: {cert_file: "+f.dir+"/cert.pem, key_file: "+f.dir+"/key.pem}\n")), "serve")
	p.ready(t)
	var sent, written atomic.Int64
	var latest atomic.Pointer[big.Int] // serial number that a client saw last
	var mu sync.Mutex                  // guards roots
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				mu.Lock()
				config := &tls.Config{RootCAs: roots.Clone(), VerifyConnection: func(cs tls.ConnectionState) error {
					latest.Store(cs.PeerCertificates[0].SerialNumber)
					return nil
				}}
				mu.Unlock()
				c := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: time.Minute}
				if o := send(t, c, "POST", p.origin+accounts, strings.NewReader(fmt.Sprintf(`{"name":"%d"}`, sent.Add(1)))); o.status != http.StatusNoContent {
					t.Errorf("answered %v", o)
					return
				}
				written.Add(1)
			}
		})
	}
	for n := range 2 {
		cert := f.issue(func(cert *x509.Certificate) {
			mu.Lock()
			roots.AddCert(cert)
			mu.Unlock()
			eventually(t, 20*time.Second, "dvproxy has seen the certificate without its key", func() bool {
				return strings.Count(p.allLogs(), "changed certificate not used") > n
			})
		})
		eventually(t, 20*time.Second, "the new certificate is in use", func() bool {
			seen := latest.Load()
			return seen != nil && seen.Cmp(cert.SerialNumber) == 0
		})
	}
	close(stop)
	clients.Wait()
	if st := s.Stats(); int64(st.Executed) != written.Load() || st.Repeated != 0 || written.Load() < 20 {
		t.Errorf("executed %d, repeated %d; the clients wrote %d", st.Executed, st.Repeated, written.Load())
	}
}

// A pair that does not fit at start is a mistake in the configuration.
func TestCertificateFilesThatDoNotFit(t *testing.T) {
	f := certFolder{t, t.TempDir()}
	f.issue(func(*x509.Certificate) {})
	f.put("key.pem", []byte("junk"))
	cmd := exec.Command(filepath.Join(binaries, "proxy"), "serve", "--config",
		configFile(t, "environments:\n- tls: {cert_file: "+f.dir+"/cert.pem, key_file: "+f.dir+"/key.pem}\n"))
	cmd.Env = []string{}
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(out), "environments[0].tls.cert_file: is no certificate for the key") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// An upstream whose certificate the system does not know is reached with ca_file only.
func TestCAFile(t *testing.T) {
	t.Parallel()
	s := tenant(t, simulator.Options{})
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	upstream.Config.ErrorLog = log.New(io.Discard, "", 0)
	upstream.StartTLS()
	defer upstream.Close()
	ca := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	credential := fmt.Sprintf("credential: {tenant_id: %s, client_id: %s, client_secret: %q, authority: %q, scope: %q}",
		s.TenantID(), s.ClientID(), s.ClientSecret(), s.EntraURL, s.DataverseURL+"/.default")
	for _, tt := range []struct {
		in   string
		want int
	}{{"retry: {max_wait: 1s}", http.StatusBadGateway}, {"ca_file: " + ca, http.StatusOK}} {
		p := serve(t, s, "DVPROXY_CONFIG="+configFile(t, "environments:\n- url: "+upstream.URL+"\n  "+credential+"\n  "+tt.in+"\n"))
		p.ready(t)
		if o := send(t, newClient(t), "GET", p.origin+api+"WhoAmI", nil); o.status != tt.want {
			t.Errorf("%s: %v, want %d", tt.in, o, tt.want)
		}
		p.kill()
	}
}
