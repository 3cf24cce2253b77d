package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"dvproxy/internal/credential"
	"dvproxy/internal/simulator"
)

// signsIn is what all sources have in common.
type signsIn interface {
	Token(ctx context.Context, claims string) (*oauth2.Token, error)
	Changed() bool
}

// aTenant is one that listens.
func aTenant(t *testing.T) *simulator.Server {
	t.Helper()
	s, err := simulator.Start(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func endpointOf(s *simulator.Server) string {
	return s.EntraURL + "/" + s.TenantID() + "/oauth2/v2.0/token"
}
func scopeOf(s *simulator.Server) string { return s.DataverseURL + "/.default" }

// opensDoors checks that a source's token is taken by Dataverse.
func opensDoors(t *testing.T, s *simulator.Server, source signsIn) {
	t.Helper()
	token, err := source.Token(t.Context(), "")
	if err != nil {
		t.Error(err)
		return
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.DataverseURL+"/api/data/v9.2/WhoAmI", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("WhoAmI answers %d", resp.StatusCode)
	}
}

// refusedWith checks that Entra refuses a source with this number.
func refusedWith(t *testing.T, source signsIn, number int, permanent bool) {
	t.Helper()
	_, err := source.Token(t.Context(), "")
	var e *credential.Error
	if !errors.As(err, &e) || e.AADSTS != number || e.Permanent() != permanent {
		t.Errorf("%v, want AADSTS%d, permanent %v", err, number, permanent)
	}
}

func aKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// selfSigned is a certificate, and the file that it is in with its key.
func selfSigned(t *testing.T, name string, key *rsa.PrivateKey) (*x509.Certificate, []byte) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certificate, append(file, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})...)
}

func TestSignInByCertificate(t *testing.T) {
	s := aTenant(t)
	registered, file := selfSigned(t, "registered", aKey(t))
	_, unregistered := selfSigned(t, "unregistered", aKey(t))
	s.SetCertificates(registered)
	source := func(endpoint, clientID string, file []byte, o credential.ClientCertificateOptions) signsIn {
		return credential.NewClientCertificate(endpoint, clientID, scopeOf(s), func() ([]byte, error) { return file, nil }, o)
	}
	v1 := strings.Replace(endpointOf(s), "/v2.0", "", 1)
	for name, o := range map[string]credential.ClientCertificateOptions{
		"PS256": {}, "RS256": {RS256: true}, "chain": {SendChain: true},
	} {
		t.Run(name, func(t *testing.T) {
			opensDoors(t, s, source(endpointOf(s), s.ClientID(), file, o))
			o.V1 = true
			opensDoors(t, s, source(v1, s.ClientID(), file, o))
		})
	}
	refusedWith(t, source(endpointOf(s), s.ClientID(), unregistered, credential.ClientCertificateOptions{}), 700027, true)
	refusedWith(t, source(endpointOf(s), "another", file, credential.ClientCertificateOptions{}), 700016, true)
	s.SetCertificates()
	refusedWith(t, source(endpointOf(s), s.ClientID(), file, credential.ClientCertificateOptions{}), 700027, true)
	// An endpoint that is asked by another name than it has.
	other := httptest.NewServer(s.Entra())
	defer other.Close()
	s.SetCertificates(registered)
	elsewhere := credential.ClientCertificateOptions{Options: credential.Options{Transport: to(other.Listener.Addr().String())}}
	refusedWith(t, source(strings.Replace(endpointOf(s), "127.0.0.1", "entra.invalid", 1), s.ClientID(), file, elsewhere), 700023, true)
}

// to sends all requests to one address, under that name.
func to(address string) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Host, r.Host = address, address
		return http.DefaultTransport.RoundTrip(r)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestSignInByWorkloadIdentity(t *testing.T) {
	s := aTenant(t)
	const subject = "system:serviceaccount:default:importer"
	cluster, err := simulator.NewFederatedIssuer("https://oidc.example/cluster/")
	if err != nil {
		t.Fatal(err)
	}
	impostor, err := simulator.NewFederatedIssuer("https://oidc.example/cluster/")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetFederatedCredentials(cluster.Credential(subject)); err != nil {
		t.Fatal(err)
	}
	source := func(token string) signsIn { // a new one, which knows of no token before
		return credential.NewWorkloadIdentity(endpointOf(s), s.ClientID(), scopeOf(s), func() (string, error) { return token, nil }, credential.WorkloadIdentityOptions{})
	}
	opensDoors(t, s, source(cluster.Token(subject, time.Hour)))
	refusedWith(t, source(cluster.Token(subject, -time.Minute)), 700024, false)
	refusedWith(t, source(cluster.Token("system:serviceaccount:default:another", time.Hour)), 700213, true)
	refusedWith(t, source(impostor.Token(subject, time.Hour)), 50027, true)
}

func TestSignInByNextSecret(t *testing.T) {
	s := aTenant(t)
	s.SetSecrets("next")
	current := func() (string, error) { return "current", nil }
	next := func() (string, error) { return "next", nil }
	source := credential.NewClientSecret(endpointOf(s), s.ClientID(), scopeOf(s), current, credential.ClientSecretOptions{Next: next})
	opensDoors(t, s, source)
	if !source.UsesNext() {
		t.Error("nothing tells that the next secret is in use")
	}
	s.SetSecrets()
	refusedWith(t, source, 7000215, true)
}

func TestSignInByManagedIdentity(t *testing.T) {
	s := aTenant(t)
	folder := t.TempDir()
	host := func(h http.Handler) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	arc := host(s.Arc(folder))
	for name, env := range map[string]map[string]string{
		"virtual machine": {"AZURE_POD_IDENTITY_AUTHORITY_HOST": host(s.VirtualMachine())},
		"App Service":     {"IDENTITY_ENDPOINT": host(s.AppService("h")) + "/msi/token", "IDENTITY_HEADER": "h"},
		"Azure Arc":       {"IDENTITY_ENDPOINT": arc + "/metadata/identity/oauth2/token", "IMDS_ENDPOINT": arc},
	} {
		source := func(clientID string) signsIn {
			m, err := credential.NewManagedIdentity(scopeOf(s), credential.ManagedIdentityOptions{
				ClientID: clientID, ArcFolder: folder, Getenv: func(name string) string { return env[name] },
			})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		t.Run(name, func(t *testing.T) {
			opensDoors(t, s, source(""))
			opensDoors(t, s, source(s.ClientID()))
			var e *credential.Error
			if _, err := source("another").Token(t.Context(), ""); !errors.As(err, &e) || !e.Permanent() {
				t.Errorf("as another identity: %v, want a permanent error", err)
			}
		})
	}
}
