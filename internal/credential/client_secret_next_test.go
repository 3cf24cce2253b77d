package credential_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"dvproxy/internal/credential"
)

// A guard is a token endpoint that accepts some secrets.
type guard struct {
	*httptest.Server
	accepts []string
	sent    []string
	refuses http.HandlerFunc
}

func newGuard(t *testing.T, accepts ...string) *guard {
	t.Helper()
	g := &guard{accepts: accepts, refuses: answer(401, "application/json", `{"error":"invalid_client","error_description":"AADSTS7000222: expired"}`)}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secret := r.FormValue("client_secret")
		g.sent = append(g.sent, secret)
		if !slices.Contains(g.accepts, secret) {
			g.refuses(w, r)
			return
		}
		answer(200, "application/json", `{"access_token":"t","expires_in":60}`)(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func TestNextSecret(t *testing.T) {
	g := newGuard(t, "old")
	current, next := file{data: []byte("old")}, file{data: []byte("new")}
	source := credential.NewClientSecret(g.URL, "app", scope, current.text, credential.ClientSecretOptions{Next: next.text})
	fetch := func(step string, usesNext bool, sent ...string) {
		t.Helper()
		g.sent = nil
		if _, err := source.Token(t.Context(), ""); err != nil {
			t.Errorf("%s: %v", step, err)
		}
		if !slices.Equal(g.sent, sent) {
			t.Errorf("%s: sent %q, want %q", step, g.sent, sent)
		}
		if source.UsesNext() != usesNext {
			t.Errorf("%s: uses the next one: %v", step, source.UsesNext())
		}
		if source.Changed() {
			t.Errorf("%s: changed after it was read", step)
		}
	}
	fetch("before", false, "old")
	g.accepts = []string{"new"}
	fetch("the old one is removed", true, "old", "new")
	fetch("what works is remembered", true, "new")
	g.accepts = []string{"old"}
	fetch("the removal is undone", false, "new", "old")
	g.accepts = []string{"new"}
	fetch("and done again", true, "old", "new")
	current.data = []byte("new")
	if !source.Changed() {
		t.Error("the exchange of the files is not seen")
	}
	fetch("the next one is made the current one", false, "new")
	next.data = nil
	fetch("no next one any more", false, "new")
	next.err = errors.New("no such file")
	fetch("nor its file", false, "new")
	next = file{data: []byte("newer")}
	if !source.Changed() {
		t.Error("the new next one is not seen")
	}
	g.accepts = []string{"newer"}
	current = file{err: errors.New("no such file")}
	fetch("the current one cannot be read", true, "newer")
}

func TestBothSecretsRefused(t *testing.T) {
	g := newGuard(t)
	current, next := file{data: []byte("a-canary")}, file{data: []byte("b-canary")}
	source := credential.NewClientSecret(g.URL, "app", scope, current.text, credential.ClientSecretOptions{Next: next.text})
	_, err := source.Token(t.Context(), "")
	var e *credential.Error
	if !errors.As(err, &e) || !e.Permanent() || e.AADSTS != 7000222 || strings.Contains(err.Error(), "canary") {
		t.Errorf("error %v", err)
	}
	if source.Changed() {
		t.Error("changed, though both are the same")
	}
	current.err = errors.New("take that away with: chmod o-w")
	if _, err := source.Token(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "chmod o-w") {
		t.Errorf("error %v, want that of the current one", err)
	}
}

func TestNextSecretThatIsNone(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "the current one": "old"} {
		g := newGuard(t)
		current, next := file{data: []byte("old")}, file{data: []byte(text)}
		source := credential.NewClientSecret(g.URL, "app", scope, current.text, credential.ClientSecretOptions{Next: next.text})
		if _, err := source.Token(t.Context(), ""); err == nil || len(g.sent) != 1 {
			t.Errorf("%s: %v, sent %q", name, err, g.sent)
		}
		if source.Changed() {
			t.Errorf("%s: changed after it was read", name)
		}
	}
}

// The next secret helps nobody whose request fails for another reason.
func TestNextSecretStaysHomeOtherwise(t *testing.T) {
	for name, refuses := range map[string]http.HandlerFunc{
		"unknown application": answer(400, "application/json", `{"error":"unauthorized_client","error_description":"AADSTS700016: x"}`),
		"outage":              answer(503, "application/json", `{"error":"invalid_client"}`),
		"throttled":           throttled("60"),
	} {
		g := newGuard(t, "new")
		g.refuses = refuses
		current, next := file{data: []byte("old")}, file{data: []byte("new")}
		source := credential.NewClientSecret(g.URL, "app", scope, current.text, credential.ClientSecretOptions{Next: next.text})
		if _, err := source.Token(t.Context(), ""); err == nil || !slices.Equal(g.sent, []string{"old"}) {
			t.Errorf("%s: %v, sent %q", name, err, g.sent)
		}
	}
}

func TestVersion1AsksForAResource(t *testing.T) {
	for in, want := range map[string]string{
		"https://contoso.crm.dynamics.com/.default":  "https://contoso.crm.dynamics.com",
		"https://contoso.crm.dynamics.com//.default": "https://contoso.crm.dynamics.com/",
		"https://contoso.crm.dynamics.com/":          "https://contoso.crm.dynamics.com/",
	} {
		server := newRecorder(t)
		server.next = answer(200, "application/json", `{"token_type":"Bearer","expires_in":"3599","expires_on":"1588493859","access_token":"t"}`)
		token, err := credential.NewClientSecret(server.URL+"/tenant/oauth2/token", "app", in, fixed("x"), credential.ClientSecretOptions{Options: credential.Options{V1: true}}).Token(t.Context(), "")
		if err != nil || token.ExpiresIn != 3599 {
			t.Fatalf("%v, %v", token, err)
		}
		if form := server.forms[0]; form.Get("resource") != want || form.Has("scope") {
			t.Errorf("form %q, want the resource %s", form.Encode(), want)
		}
	}
}

// A file that cannot be used now loses nothing while the secret before is good.
func TestSecretThatWorkedIsKept(t *testing.T) {
	g := newGuard(t, "whole")
	current := file{data: []byte("whole")}
	var kept []string
	source := credential.NewClientSecret(g.URL, "app", scope, current.text,
		credential.ClientSecretOptions{OnKept: func(err error) { kept = append(kept, err.Error()) }})
	for i, step := range []struct {
		in   file
		kept string // why; empty if it is not
	}{
		{file{data: []byte("whole")}, ""},
		{file{data: []byte("wh")}, "AADSTS7000222"},
		{file{err: errors.New("chmod o-w")}, "chmod o-w"},
		{file{}, "AADSTS7000222"},
		{file{data: []byte("whole")}, ""},
	} {
		current, kept = step.in, nil
		if _, err := source.Token(t.Context(), ""); err != nil {
			t.Errorf("step %d: %v", i, err)
		}
		if (step.kept != "") != (len(kept) == 1) || step.kept != "" && !strings.Contains(kept[0], step.kept) {
			t.Errorf("step %d: told %q, want %q", i, kept, step.kept)
		}
		if source.Changed() || source.UsesNext() {
			t.Errorf("step %d: changed %v, uses the next one %v", i, source.Changed(), source.UsesNext())
		}
	}
	// Once that is refused too, the file is what to mend.
	current, g.accepts = file{err: errors.New("chmod o-w")}, nil
	if _, err := source.Token(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "chmod o-w") {
		t.Errorf("error %v, want that of the file", err)
	}
}
