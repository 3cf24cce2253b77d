package credential_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"dvproxy/internal/credential"
)

// federated is what a cluster's token looks like.
func federated(id string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(`{"sub":"`+id+`"}`)) + "." + encode([]byte("signature"))
}

func refuseAssertion(number int) http.HandlerFunc {
	return answer(401, "application/json", fmt.Sprintf(`{"error":"invalid_client","error_description":"AADSTS%d: x"}`, number))
}

func TestFederatedTokenIsReadForEachRequest(t *testing.T) {
	server := newRecorder(t)
	f := file{data: []byte(federated("one"))}
	var kept []string
	source := credential.NewWorkloadIdentity(server.endpoint(), "app", scope, f.text,
		credential.WorkloadIdentityOptions{OnKept: func(err error) { kept = append(kept, err.Error()) }})
	steps := []struct {
		in   file
		want string
	}{
		{file{data: []byte(federated("one"))}, federated("one")},
		{file{data: []byte(federated("two"))}, federated("two")},
		{file{data: []byte(federated("three"))[:30]}, federated("two")}, // half-written
		{file{err: errors.New("gone")}, federated("two")},
		{file{data: []byte(federated("three"))}, federated("three")},
	}
	for i, step := range steps {
		f = step.in
		if _, err := source.Token(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		if got := server.forms[i]; got.Get("client_assertion") != step.want || got.Get("client_id") != "app" || got.Get("scope") != scope || got.Has("client_secret") {
			t.Errorf("step %d: form %q", i, got.Encode())
		}
		if source.Changed() {
			t.Errorf("step %d: changed after it was read", i)
		}
	}
	if len(kept) != 2 || !strings.Contains(kept[0], "not whole yet") || !strings.Contains(kept[1], "gone") {
		t.Errorf("told %q", kept)
	}
	// Once the older one is refused, the file is what to mend.
	server.next = refuseAssertion(700024)
	f = file{err: errors.New("chmod o-w")}
	if _, err := source.Token(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "chmod o-w") {
		t.Errorf("error %v, want that of the file", err)
	}
}

func TestFederatedTokenOutOfItsTime(t *testing.T) {
	for _, number := range []int{700024, 50027} { // too old; cut short within its signature
		server := newRecorder(t)
		f := file{data: []byte(federated("old"))}
		source := credential.NewWorkloadIdentity(server.endpoint(), "app", scope, f.text, credential.WorkloadIdentityOptions{})
		server.next = func(w http.ResponseWriter, r *http.Request) {
			f.data = []byte(federated("new")) // renewed meanwhile
			refuseAssertion(number)(w, r)
		}
		if _, err := source.Token(t.Context(), ""); err != nil {
			t.Errorf("AADSTS%d: %v", number, err)
		}
		if len(server.forms) != 2 || server.forms[1].Get("client_assertion") != federated("new") {
			t.Errorf("AADSTS%d: %d requests, want a second with the new token", number, len(server.forms))
		}
	}
}

// A token that is cut short within its signature looks whole.
func TestFederatedTokenThatIsWrong(t *testing.T) {
	server := newRecorder(t)
	f := file{data: []byte(federated("right"))}
	var kept []string
	source := credential.NewWorkloadIdentity(server.endpoint(), "app", scope, f.text,
		credential.WorkloadIdentityOptions{OnKept: func(err error) { kept = append(kept, err.Error()) }})
	if _, err := source.Token(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	f.data = []byte(federated("wrong"))
	accepts := server.next
	server.next = func(w http.ResponseWriter, r *http.Request) {
		server.next = accepts
		refuseAssertion(50027)(w, r)
	}
	if _, err := source.Token(t.Context(), ""); err != nil || len(kept) != 1 || !strings.Contains(kept[0], "AADSTS50027") {
		t.Errorf("%v, told %q", err, kept)
	}
	if len(server.forms) != 3 || server.forms[2].Get("client_assertion") != federated("right") {
		t.Errorf("%d requests, want a third with the token before", len(server.forms))
	}
}

func TestFederatedTokenThatStaysOld(t *testing.T) {
	server := newRecorder(t)
	server.next = refuseAssertion(700024)
	f := file{data: []byte(federated("canary"))}
	_, err := credential.NewWorkloadIdentity(server.endpoint(), "app", scope, f.text, credential.WorkloadIdentityOptions{}).Token(t.Context(), "")
	var e *credential.Error
	if !errors.As(err, &e) || e.Permanent() || !strings.Contains(err.Error(), "federated_token_file") {
		t.Errorf("error %v, want one that is not permanent and names the file", err)
	}
	if len(server.forms) != 1 {
		t.Errorf("%d requests with the same token", len(server.forms))
	}
	if strings.Contains(err.Error(), federated("canary")[:20]) {
		t.Errorf("the text holds the token: %v", err)
	}
}

func TestNoFederatedTokenToBeginWith(t *testing.T) {
	for name, in := range map[string]file{
		"unreadable": {err: errors.New("gone")},
		"empty":      {},
		"a secret":   {data: []byte(canary)},
		"cut short":  {data: []byte(federated("x")[:30])},
	} {
		server := newRecorder(t)
		f := in
		source := credential.NewWorkloadIdentity(server.endpoint(), "app", scope, f.text, credential.WorkloadIdentityOptions{})
		_, err := source.Token(t.Context(), "")
		var e *credential.Error
		if !errors.As(err, &e) || !e.Permanent() || strings.Contains(err.Error(), canary) || len(server.forms) != 0 {
			t.Errorf("%s: %v after %d requests, want a permanent error and none", name, err, len(server.forms))
		}
		if f = (file{data: []byte(federated("x"))}); !source.Changed() {
			t.Errorf("%s: the mended file is not seen", name)
		}
		if _, err := source.Token(t.Context(), ""); err != nil {
			t.Errorf("%s, mended: %v", name, err)
		}
	}
}
