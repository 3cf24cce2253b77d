package lifetime

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// transport is a Graph of one answer.
type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

func answer(status int, body string, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func graphOf(rt transport) *Graph {
	g := NewGraph("https://graph.microsoft.com", tokens, Options{})
	g.client.Transport = rt
	return g
}

const denied = `{"error":{"code":"Authorization_RequestDenied","message":"` + canary + `","innerError":{"request-id":"f8cff810-456f"}}}`

func TestEachErrorSaysWhatToDo(t *testing.T) {
	read, write := listPolicies(), create(time.Hour)
	missing := `{"error":{"code":"Request_ResourceNotFound"}}`
	for _, tt := range []struct {
		name   string
		call   call
		status int // 0: the connection breaks
		body   string
		want   []string
	}{
		{"no permission", read, 403, denied, []string{"403 Authorization_RequestDenied", "Policy.Read.All", "consent", "f8cff810-456f"}},
		{"no permission to write", write, 403, denied, []string{"Policy.ReadWrite.ApplicationConfiguration"}},
		{"no permission to assign", assign("", "x"), 403, denied, []string{"Application.ReadWrite.All"}},
		{"token refused", read, 401, `{"error":{"code":"InvalidAuthenticationToken"}}`, []string{"401", "--graph-token-command", "https://graph.microsoft.com"}},
		{"no principal", getPrincipal(), 404, missing, []string{"404", DataverseAppID, "right tenant"}},
		{"policy gone", update("x", time.Hour), 404, missing, []string{"404", "dvproxy lifetime show"}},
		{"conflict", assign("", "x"), 409, `{"error":{"code":"Request_MultipleObjectsWithSameKeyValue"}}`, []string{"409", "takes only one"}},
		{"conflict as 400", assign("", "x"), 400, `{"error":{"code":"Request_MultipleObjectsWithSameKeyValue"}}`, []string{"takes only one"}},
		{"bad request", write, 400, `{"error":{"code":"Request_BadRequest"}}`, []string{"400 Request_BadRequest", "P1"}},
		{"throttled", write, 429, `{"error":{"code":"TooManyRequests"}}`, []string{"429", "run the command again"}},
		{"fault", write, 500, `{"error":{"code":"InternalServerError"}}`, []string{"500", "in a minute"}},
		{"fault without JSON", write, 502, "<html>", []string{"502", "in a minute"}},
		{"no JSON", read, 200, "<html>" + canary, []string{"not Graph's JSON", "captive portal"}},
		{"JSON of somebody else", read, 200, `{"hello":1}`, []string{"not Graph's JSON"}},
		{"404 of somebody else", read, 404, "<html>", []string{"not Graph's JSON", "--graph-url"}},
		{"redirect", read, 302, "", []string{"not Graph's JSON", "--graph-url"}},
		{"junk for a code", read, 403, `{"error":{"code":"` + strings.Repeat(canary, 3) + `"}}`, []string{"Policy.Read.All"}},
		{"no connection", write, 0, "", []string{"no connection to graph.microsoft.com", "HTTPS_PROXY"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := graphOf(func(*http.Request) (*http.Response, error) {
					if tt.status == 0 {
						return nil, errors.New("reset " + canary)
					}
					return answer(tt.status, tt.body), nil
				})
				_, err := list[Policy](t.Context(), g, tt.call)
				if err == nil {
					t.Fatal("no error")
				}
				for _, want := range append(tt.want, tt.call.what) {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("%q is not in %q", want, err)
					}
				}
				if strings.ContainsAny(err.Error(), "\r\n") || strings.Contains(err.Error(), canary) {
					t.Errorf("not one line, or the token shows: %q", err)
				}
			})
		})
	}
}

func TestRetries(t *testing.T) {
	read, write := listPolicies(), create(time.Hour)
	const throttled = `{"error":{"code":"TooManyRequests"}}`
	ok := func() *http.Response { return answer(200, `{"value":[],"id":"x"}`) }
	for _, tt := range []struct {
		name  string
		call  call
		fails int // before it succeeds
		with  func() *http.Response
		calls int
		took  time.Duration
		ok    bool
	}{
		{"a wait that Graph names", write, 1, func() *http.Response { return answer(429, throttled, "Retry-After", "7") }, 2, 7 * time.Second, true},
		{"several", read, 3, func() *http.Response { return answer(503, throttled, "Retry-After", "10") }, 4, 30 * time.Second, true},
		{"one that is too long", write, 1, func() *http.Response { return answer(429, throttled, "Retry-After", "61") }, 1, 0, false},
		{"too long in all", write, 9, func() *http.Response { return answer(429, throttled, "Retry-After", "25") }, 3, 50 * time.Second, false},
		{"none named", write, 2, func() *http.Response { return answer(429, throttled) }, 3, 1500 * time.Millisecond, true},
		{"a fault while reading", read, 2, func() *http.Response { return answer(500, "") }, 3, 1500 * time.Millisecond, true},
		{"a fault that stays", read, 9, func() *http.Response { return answer(500, "") }, 4, 3500 * time.Millisecond, false},
		{"a fault while writing", write, 1, func() *http.Response { return answer(500, "") }, 1, 0, false},
		{"a write that may have been done", write, 1, func() *http.Response { return answer(503, "") }, 1, 0, false},
		{"a connection that breaks while reading", read, 1, func() *http.Response { return nil }, 2, 500 * time.Millisecond, true},
		{"a connection that breaks while writing", write, 1, func() *http.Response { return nil }, 1, 0, false},
		{"a refusal", read, 1, func() *http.Response { return answer(403, denied) }, 1, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls, start := 0, time.Now()
				g := graphOf(func(*http.Request) (*http.Response, error) {
					if calls++; calls > tt.fails {
						return ok(), nil
					}
					r := tt.with()
					if r == nil {
						return nil, errors.New("reset")
					}
					return r, nil
				})
				err := g.do(t.Context(), tt.call, nil)
				if (err == nil) != tt.ok || calls != tt.calls || time.Since(start) != tt.took {
					t.Errorf("%v after %d calls and %v, want ok %v, %d, %v", err, calls, time.Since(start), tt.ok, tt.calls, tt.took)
				}
			})
		})
	}
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		g := graphOf(func(*http.Request) (*http.Response, error) { return answer(429, "", "Retry-After", "50"), nil })
		start := time.Now()
		if err := g.do(ctx, listPolicies(), nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// Pages are followed at this Graph and nowhere else, since the token goes along.
func TestPages(t *testing.T) {
	const origin = "https://graph.microsoft.com"
	pages := map[string]string{
		policiesPath:             `{"value":[{"id":"1"}],"@odata.nextLink":"` + origin + version + policiesPath + `?p=2"}`,
		policiesPath + "?p=2":    `{"value":[{"id":"2"}]}`,
		policiesPath + "?p=away": `{"value":[],"@odata.nextLink":"https://graph.microsoft.com.example.org/v1.0/x"}`,
		policiesPath + "?p=loop": `{"value":[],"@odata.nextLink":"` + origin + version + policiesPath + `?p=loop"}`,
	}
	g := graphOf(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != "graph.microsoft.com" {
			t.Errorf("a call to %s", r.URL.Host)
		}
		return answer(200, pages[strings.TrimPrefix(r.URL.RequestURI(), version)]), nil
	})
	all, err := list[Policy](t.Context(), g, listPolicies())
	if err != nil || len(all) != 2 || all[1].ID != "2" {
		t.Errorf("%v, %v", all, err)
	}
	for _, p := range []string{"away", "loop"} {
		c := listPolicies()
		c.path += "?p=" + p
		if _, err := list[Policy](t.Context(), g, c); err == nil {
			t.Errorf("%s: no error", p)
		}
	}
}

func TestSignInFailureIsShown(t *testing.T) {
	refused := errors.New("AADSTS7000215")
	g := NewGraph("https://graph.microsoft.com", func(context.Context) (string, time.Duration, error) { return "", 0, refused }, Options{})
	if _, err := g.Survey(t.Context()); !errors.Is(err, refused) || !strings.Contains(err.Error(), "sign in to Graph") {
		t.Error(err)
	}
}

func TestUntil(t *testing.T) {
	lost := errors.New("no connection")
	for _, tt := range []struct {
		name  string
		limit time.Duration
		after time.Duration // until tokens are as wanted
		fails time.Duration // until sign-in works
		took  time.Duration
		err   error
	}{
		{"at once", time.Minute, 0, 0, 0, nil},
		{"after 10 s", 2 * time.Minute, 10 * time.Second, 0, 15500 * time.Millisecond, nil},
		{"never", 2 * time.Minute, time.Hour, 0, 2 * time.Minute, ErrUnchanged},
		{"look once", 0, time.Hour, 0, 0, ErrUnchanged},
		{"sign-in fails for a while", time.Minute, 0, 3 * time.Second, 3500 * time.Millisecond, nil},
		{"sign-in fails", time.Minute, 0, time.Hour, time.Minute, lost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, told := time.Now(), 0
				signIn := func(context.Context) (string, time.Duration, error) {
					switch since := time.Since(start); {
					case since < tt.fails:
						return "", 0, lost
					case since < tt.after:
						return canary, time.Hour, nil
					}
					return canary, 5 * time.Hour, nil
				}
				got, err := Until(t.Context(), signIn, func(d time.Duration) bool { return Shows(d, 5*time.Hour) },
					Watch{Limit: tt.limit, Progress: func(time.Duration, time.Duration) { told++ }})
				if !errors.Is(err, tt.err) || time.Since(start) != tt.took || err == nil && got != 5*time.Hour {
					t.Errorf("%v, %v after %v, want %v after %v", got, err, time.Since(start), tt.err, tt.took)
				}
				if tt.after > 0 && tt.limit > 0 && told == 0 {
					t.Error("no progress was told of")
				}
			})
		})
	}
}
