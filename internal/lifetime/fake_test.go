package lifetime

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const canary = "eyJ.a-token.that-must-not-show"

func tokens(context.Context) (string, time.Duration, error) { return canary, time.Hour, nil }

// fakeGraph is a tenant in memory. The stand-in tenant of the simulator, with
// permissions and effects, is met in cmd/proxy's tests.
type fakeGraph struct {
	mu       sync.Mutex // guards what follows
	policies []Policy
	uses     map[string][]string // policy's id to principals
	calls    []string

	// before, if set, may answer in place of the tenant; after may lose the answer.
	before func(call string, w http.ResponseWriter) bool
	after  func(call string) (lose bool)
}

func newFakeGraph() *fakeGraph { return &fakeGraph{uses: map[string][]string{}} }

// graph is a client that waits next to nothing.
func (f *fakeGraph) graph() *Graph {
	g := NewGraph("https://graph.microsoft.com", tokens, Options{FirstWait: 1, MaxWait: 100})
	g.client.Transport = f
	return g
}

// RoundTrip answers without a network; an aborted answer is a lost one.
func (f *fakeGraph) RoundTrip(r *http.Request) (response *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	defer func() {
		if recover() != nil {
			err = io.ErrUnexpectedEOF
		}
	}()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result(), nil
}

func (f *fakeGraph) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+canary {
		http.Error(w, "", http.StatusUnauthorized)
		return
	}
	call := r.Method + " " + strings.TrimPrefix(r.URL.Path, version)
	f.calls = append(f.calls, call)
	if f.before != nil && f.before(call, w) {
		return
	}
	body, _ := io.ReadAll(r.Body)
	answer := httptest.NewRecorder()
	f.serve(answer, call, body)
	if f.after != nil && f.after(call) {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (f *fakeGraph) serve(w http.ResponseWriter, call string, body []byte) {
	method, path, _ := strings.Cut(call, " ")
	_, id, _ := strings.Cut(path, "okenLifetimePolicies/")
	id, what, _ := strings.Cut(id, "/")
	i := slices.IndexFunc(f.policies, func(p Policy) bool { return p.ID == id })
	switch {
	case path == dataversePath:
		_, _ = io.WriteString(w, `{"id":"dataverse","appId":"`+DataverseAppID+`"}`)
	case path == policiesPath && method == "GET":
		writeList(w, f.policies)
	case path == policiesPath:
		var p Policy
		_ = json.Unmarshal(body, &p)
		p.ID = fmt.Sprintf("new-%d", len(f.calls))
		f.policies = append(f.policies, p)
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(p)
	case path == assignedPath:
		writeList(w, f.assigned())
	case path == assignedPath+"/$ref":
		var ref reference
		_ = json.Unmarshal(body, &ref)
		id := ref.ID[strings.LastIndex(ref.ID, "/")+1:]
		f.uses[id] = append(f.uses[id], "dataverse")
		w.WriteHeader(http.StatusNoContent)
	case i < 0:
		refuse(w, 404, "Request_ResourceNotFound")
	case what == "appliesTo":
		uses := []Principal{}
		for _, use := range f.uses[id] {
			uses = append(uses, Principal{ID: use})
		}
		writeList(w, uses)
	case what == "$ref":
		f.uses[id] = slices.DeleteFunc(f.uses[id], func(use string) bool { return use == "dataverse" })
		w.WriteHeader(http.StatusNoContent)
	case method == "PATCH":
		_ = json.Unmarshal(body, &f.policies[i])
		w.WriteHeader(http.StatusNoContent)
	case method == "DELETE":
		f.policies = slices.Delete(f.policies, i, i+1)
		delete(f.uses, id)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (f *fakeGraph) assigned() []Policy {
	assigned := []Policy{}
	for _, p := range f.policies {
		if slices.Contains(f.uses[p.ID], "dataverse") {
			assigned = append(assigned, p)
		}
	}
	return assigned
}

func writeList[T any](w io.Writer, values []T) {
	_ = json.NewEncoder(w).Encode(map[string]any{"value": append([]T{}, values...)})
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"code":%q,"message":"Bearer %s","innerError":{"request-id":"f8cff810"}}}`, code, canary)
}

// writes are the calls that change something.
func (f *fakeGraph) writes() (writes []string) {
	for _, call := range f.calls {
		if !strings.HasPrefix(call, "GET ") {
			writes = append(writes, call)
		}
	}
	return writes
}

func ours(id string, lifetime time.Duration) Policy {
	return Policy{ID: id, DisplayName: Mark, Definition: define(lifetime)}
}

func theirs(id string) Policy {
	return Policy{ID: id, DisplayName: "Contoso", Definition: []string{`{"TokenLifetimePolicy":{"Version":1,"AccessTokenLifetime":"4:00:00","MaxInactiveTime":"1.00:00:00"}}`}}
}

// run surveys, plans and applies; want 0 clears.
func (f *fakeGraph) run(t *testing.T, want time.Duration) error {
	t.Helper()
	g := f.graph()
	s, err := g.Survey(t.Context())
	if err != nil {
		return err
	}
	plan := g.PlanClear(s)
	if want > 0 {
		if plan, err = g.PlanSet(s, want); err != nil {
			return err
		}
	}
	return g.Apply(t.Context(), plan)
}
