package credential_test

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/credential"
)

// A certificate that is in its file before Entra knows it loses nothing.
func TestCertificateThatEntraDoesNotKnowYet(t *testing.T) {
	a, b := valid("a", keyA(), nil), valid("b", keyB(), nil)
	server := newRecorder(t)
	f := file{data: a.file()}
	var kept []string
	source := credential.NewClientCertificate(server.endpoint(), "app", scope, f.read,
		credential.ClientCertificateOptions{OnKept: func(err error) { kept = append(kept, err.Error()) }})
	if _, err := source.Token(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	f.data = b.file()
	accepts := server.next
	server.next = func(w http.ResponseWriter, r *http.Request) {
		server.next = accepts // the second of two
		refuseAssertion(700027)(w, r)
	}
	if _, err := source.Token(t.Context(), ""); err != nil || len(kept) != 1 || !strings.Contains(kept[0], "AADSTS700027") {
		t.Errorf("%v, told %q", err, kept)
	}
	readAssertion(t, server.forms[1].Get("client_assertion"), &keyB().PublicKey)
	readAssertion(t, server.forms[2].Get("client_assertion"), &keyA().PublicKey)
	if !source.NotAfter().Equal(a.certificate.NotAfter) {
		t.Error("the expiry is not that of the one in use")
	}
	if _, err := source.Token(t.Context(), ""); err != nil || len(kept) != 1 {
		t.Errorf("once it is known: %v, told %q", err, kept)
	}
	readAssertion(t, server.forms[3].Get("client_assertion"), &keyB().PublicKey)
	server.next = refuseAssertion(700027)
	if _, err := source.Token(t.Context(), ""); err == nil || len(server.forms) != 5 {
		t.Errorf("once it is refused: %v after %d requests, want 5", err, len(server.forms))
	}
}

// Whatever happens to the file, what was read before goes on working.
func TestCertificateFileChanges(t *testing.T) {
	now := time.Now()
	a, b := valid("a", keyA(), nil), valid("b", keyB(), nil)
	expired := newPair("x", keyB(), now.Add(-48*time.Hour), now.Add(-24*time.Hour), nil)
	server := newRecorder(t)
	f := file{data: a.file()}
	var kept []string
	source := credential.NewClientCertificate(server.endpoint(), "app", scope, f.read,
		credential.ClientCertificateOptions{OnKept: func(err error) { kept = append(kept, err.Error()) }})
	if !source.NotAfter().IsZero() {
		t.Error("expiry known before there is a certificate")
	}
	steps := []struct {
		name string
		file file
		key  *rsa.PrivateKey // that signs
		kept string          // in what is told; empty: nothing is
	}{
		{"first", file{data: a.file()}, keyA(), ""},
		{"same", file{data: a.file()}, keyA(), ""},
		{"half-written", file{data: b.file()[:1500]}, keyA(), "not be whole yet"},
		{"gone", file{err: fs.ErrNotExist}, keyA(), "put the file there"},
		{"not to be read", file{err: &fs.PathError{Op: "open", Path: "cert.pem", Err: fs.ErrPermission}}, keyA(), "let the account that runs dvproxy read it"},
		{"writable by others", file{err: errors.New("every account on this machine may write to the file; take that away with: chmod o-w")}, keyA(), "chmod o-w"},
		{"expired", file{data: expired.file()}, keyA(), "expired on"},
		{"new", file{data: b.file()}, keyB(), ""},
		{"half the old one", file{data: a.file()[:1500]}, keyB(), "not be whole yet"},
	}
	for i, step := range steps {
		f = step.file
		if changed := source.Changed(); changed != (step.name != "same" && f.err == nil) {
			t.Errorf("%s: changed %v", step.name, changed)
		}
		kept = nil
		if _, err := source.Token(t.Context(), ""); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		readAssertion(t, server.forms[i].Get("client_assertion"), &step.key.PublicKey)
		if got := strings.Join(kept, "; "); step.kept == "" && got != "" || !strings.Contains(got, step.kept) {
			t.Errorf("%s: told %q, want %q", step.name, got, step.kept)
		}
		if source.Changed() {
			t.Errorf("%s: changed after it was read", step.name)
		}
	}
	// Once the older one is refused, the file is what to mend.
	server.next = refuseAssertion(700027)
	if _, err := source.Token(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "not be whole yet") {
		t.Errorf("error %v, want that of the file", err)
	}
	if !source.NotAfter().Equal(b.certificate.NotAfter) {
		t.Errorf("expires %v, want %v", source.NotAfter(), b.certificate.NotAfter)
	}
}

func TestNoCertificateToBeginWith(t *testing.T) {
	now := time.Now()
	expired := newPair("x", keyA(), now.Add(-48*time.Hour), now.Add(-24*time.Hour), nil)
	for _, tt := range []struct {
		name string
		in   file
		want string
	}{
		{"gone", file{err: &fs.PathError{Op: "open", Path: "cert.pem", Err: fs.ErrNotExist}}, "the certificate file cannot be read"},
		{"not whole", file{data: expired.file()[:700]}, "not be whole yet"},
		{"expired", file{data: expired.file()}, "az ad app credential reset"},
	} {
		server := newRecorder(t)
		f := tt.in
		source := credential.NewClientCertificate(server.endpoint(), "app", scope, f.read, credential.ClientCertificateOptions{})
		_, err := source.Token(t.Context(), "")
		var e *credential.Error
		if !errors.As(err, &e) || !e.Permanent() || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want a permanent error with %q", tt.name, err, tt.want)
		}
		if len(server.forms) != 0 {
			t.Errorf("%s: the endpoint was asked all the same", tt.name)
		}
		if f.data = valid("a", keyA(), nil).file(); tt.in.err != nil {
			f.err = nil
		}
		if !source.Changed() {
			t.Errorf("%s: the mended file is not seen", tt.name)
		}
		if _, err := source.Token(t.Context(), ""); err != nil {
			t.Errorf("%s, mended: %v", tt.name, err)
		}
	}
}

func TestPasswordIsReadAnew(t *testing.T) {
	server := newRecorder(t)
	f := file{data: fixture(t, "modern.pfx")}
	password := file{data: []byte("wrong")}
	source := credential.NewClientCertificate(server.endpoint(), "app", scope, f.read, credential.ClientCertificateOptions{Password: password.text})
	if _, err := source.Token(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "password of the PFX file is wrong") {
		t.Errorf("error %v", err)
	}
	password.err = errors.New("no such file")
	if _, err := source.Token(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "password cannot be read: no such file") {
		t.Errorf("error %v", err)
	}
	password = file{data: []byte("open-sesame")}
	if !source.Changed() {
		t.Error("the mended password is not seen")
	}
	if _, err := source.Token(t.Context(), ""); err != nil {
		t.Error(err)
	}
}

func TestRefusedAssertions(t *testing.T) {
	for _, tt := range []struct {
		number    int
		permanent bool
		want      string
	}{
		{700027, true, "az ad app credential reset"},
		{700024, false, "clock"},
		{700021, true, "client_id"},
		{700023, true, "token_url"},
		{50027, true, "malformed"},
		{700213, true, "az ad app federated-credential list"},
		{700211, true, "issuer"},
		{700212, true, "api://AzureADTokenExchange"},
		{70021, true, "subject"},
		{501661, false, "issuer"},
	} {
		server := newRecorder(t)
		server.next = answer(401, "application/json", fmt.Sprintf(`{"error":"invalid_client","error_description":"AADSTS%d: BODYCANARY","error_codes":[%d]}`, tt.number, tt.number))
		f := file{data: valid("a", keyA(), nil).file()}
		_, err := credential.NewClientCertificate(server.endpoint(), "app", scope, f.read, credential.ClientCertificateOptions{}).Token(t.Context(), "")
		var e *credential.Error
		if !errors.As(err, &e) || e.Permanent() != tt.permanent || e.AADSTS != tt.number || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("AADSTS%d: permanent %v, %v; want %v, %q", tt.number, e.Permanent(), err, tt.permanent, tt.want)
		}
		if sent := server.forms[0].Get("client_assertion"); strings.Contains(err.Error(), "BODYCANARY") || strings.Contains(err.Error(), sent[:40]) {
			t.Errorf("AADSTS%d: the text gives something away: %v", tt.number, err)
		}
	}
}
