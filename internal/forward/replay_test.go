package forward_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

const claims = `{"access_token":{"nbf":{"essential":true,"value":"1"}}}`

// What upstream answers to the first token, and what comes of it.
func TestRefusals(t *testing.T) {
	answer := func(status int, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Add(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			fmt.Fprint(w, "first")
		}
	}
	challenge := func(encoded string) string {
		return `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="` + encoded + `"`
	}
	std := base64.StdEncoding.EncodeToString([]byte(claims))
	tests := []struct {
		name     string
		method   string
		path     string
		first    http.HandlerFunc
		want     int
		rejected string // token and claims; empty: none
	}{
		{"missing token", "POST", "/x", answer(401, "WWW-Authenticate", "Bearer authorization_uri=https://login.windows.net/t, resource_id=https://x/"), 200, "t1"},
		{"expired token", "PATCH", "/x", answer(401, "WWW-Authenticate", "Bearer error=invalid_token, error_description=Error during token validation!, authorization_uri=x"), 200, "t1"},
		{"lower case", "DELETE", "/x", answer(401, "WWW-Authenticate", "bearer"), 200, "t1"},
		{"among others", "GET", "/x", answer(401, "WWW-Authenticate", "Negotiate", "WWW-Authenticate", "Basic realm=x, Bearer x=y"), 200, "t1"},
		{"claims", "POST", "/x", answer(401, "WWW-Authenticate", challenge(std)), 200, "t1" + claims},
		{"claims, unpadded", "POST", "/x", answer(401, "WWW-Authenticate", challenge(strings.TrimRight(std, "="))), 200, "t1" + claims},
		{"claims, unquoted uri", "POST", "/x", answer(401, "WWW-Authenticate", `Bearer authorization_uri=https://x, client_id=y, errorDescription="z", error="insufficient_claims", claims="`+std+`"`), 200, "t1" + claims},
		{"claims that are none", "POST", "/x", answer(401, "WWW-Authenticate", challenge("bm9uc2Vuc2U=")), 200, "t1"},
		{"claims of another error", "POST", "/x", answer(401, "WWW-Authenticate", `Bearer error="invalid_token", claims="`+std+`"`), 200, "t1"},
		{"redirect to sign in", "POST", "/x", answer(302, "Location", "https://login.microsoftonline.com/t/oauth2/authorize?x"), 200, "t1"},
		{"redirect to our authority", "POST", "/x", answer(302, "Location", "https://sts.contoso.com/adfs"), 200, "t1"},
		{"HTML from SOAP, GET", "GET", "/xrmservices/2011/organization.svc", answer(200, "Content-Type", "text/html; charset=utf-8"), 200, "t1"},

		{"the application's own 401", "POST", "/x", answer(401), 401, ""},
		{"another scheme's 401", "POST", "/x", answer(401, "WWW-Authenticate", "Negotiate"), 401, ""},
		{"a scheme that begins alike", "POST", "/x", answer(401, "WWW-Authenticate", "BearerX y=z"), 401, ""},
		{"403", "GET", "/x", answer(403, "WWW-Authenticate", "Bearer"), 403, ""},
		{"redirect elsewhere", "GET", "/x", answer(302, "Location", "https://contoso.crm.dynamics.com/main.aspx"), 302, ""},
		{"redirect to a look-alike", "GET", "/x", answer(302, "Location", "https://login.microsoftonline.com.evil.com/"), 302, ""},
		{"HTML elsewhere", "GET", "/x", answer(200, "Content-Type", "text/html"), 200, ""},
		{"HTML error from SOAP", "GET", "/XRMServices/x", answer(500, "Content-Type", "text/html"), 500, ""},
		{"XML from SOAP", "POST", "/XRMServices/x", answer(200, "Content-Type", "text/xml"), 200, ""},
		{"HTML from SOAP, POST", "POST", "/XRMServices/2011/Organization.svc", answer(200, "Content-Type", "text/html"), 502, "t1"},
		{"429", "POST", "/x", answer(429, "Retry-After", "1"), 429, ""},
		{"503", "POST", "/x", answer(503), 503, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var requests atomic.Int32
			h := func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				if requests.Add(1) == 1 {
					tt.first(w, r)
					return
				}
				fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("Authorization"), b)
			}
			tokens := &fakeTokens{}
			r := newRig(t, h, tokens, forward.Options{SignIn: &url.URL{Scheme: "https", Host: "STS.contoso.com:443"}})
			resp, body := r.do(t, tt.method, tt.path, strings.NewReader("the body"))
			if resp.StatusCode != tt.want {
				t.Errorf("answered %d %s, want %d", resp.StatusCode, body, tt.want)
			}
			if got := strings.Join(tokens.rejected, ","); got != tt.rejected {
				t.Errorf("rejected %q, want %q", got, tt.rejected)
			}
			if tt.rejected != "" && tt.want == 200 {
				if want := tt.method + " Bearer t2 the body"; body != want {
					t.Errorf("the replay was %q, want %q", body, want)
				}
				if !slices.Equal(tokens.replayed, []string{"t2 true"}) {
					t.Errorf("told of the replay: %q", tokens.replayed)
				}
			} else if requests.Load() != 1 {
				t.Errorf("%d requests went upstream, want 1", requests.Load())
			}
		})
	}
}

// How many fresh tokens are tried is for the tokens to say, within bounds.
func TestAFreshTokenRefusedToo(t *testing.T) {
	for name, tt := range map[string]struct {
		last string // of the tokens that there are
		want []string
	}{
		"no other":    {"t2", []string{"t2 false"}},
		"one more":    {"t3", []string{"t2 false", "t3 false"}},
		"without end": {"", []string{"t2 false", "t3 false", "t4 false"}},
	} {
		t.Run(name, func(t *testing.T) {
			var requests atomic.Int32
			h := func(w http.ResponseWriter, _ *http.Request) { requests.Add(1); bearer(w, "") }
			tokens := &fakeTokens{last: tt.last}
			r := newRig(t, h, tokens, forward.Options{})
			resp, body := r.do(t, "POST", "/x", strings.NewReader("body"))
			if resp.StatusCode != 502 || !strings.Contains(body, "dvproxy.upstream_unauthorized") || resp.Header.Get("WWW-Authenticate") != "" {
				t.Errorf("answered %d %s, want a 502 without a challenge", resp.StatusCode, body)
			}
			if int(requests.Load()) != 1+len(tt.want) || !slices.Equal(tokens.replayed, tt.want) {
				t.Errorf("%d requests, replays %q; want %d and %q", requests.Load(), tokens.replayed, 1+len(tt.want), tt.want)
			}
		})
	}
}

// Which requests are alike is told with each refusal, and holds no keys nor
// anything of the query.
func TestThePathOfARefusal(t *testing.T) {
	for _, tt := range []struct{ method, target, want string }{
		{"GET", "/api/data/v9.2/accounts(1234)/name?$select=x", "GET /api/data/v9.2/accounts(...)/name"},
		{"DELETE", "/api/data/v9.2/accounts%28name='x'%29", "DELETE /api/data/v9.2/accounts(...)"},
		{"POST", "/XRMServices/2011/Organization.svc/web", "POST /XRMServices/2011/Organization.svc/web"},
	} {
		tokens := &fakeTokens{}
		h := accepting(new(atomic.Int32), func(http.ResponseWriter, *http.Request) {}, "t2")
		newRig(t, h, tokens, forward.Options{}).do(t, tt.method, tt.target, nil)
		if want := []string{tt.want, tt.want}; !slices.Equal(tokens.paths, want) {
			t.Errorf("%s %s: told of %q, want %q twice", tt.method, tt.target, tokens.paths, tt.want)
		}
	}
}

// The token is revoked, and so is the one that was fetched because of that.
// The client is told of neither, and what it sent is executed once.
func TestRevokedTwiceInARow(t *testing.T) {
	var executed atomic.Int32
	h := accepting(&executed, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }, "t3")
	tokens := &fakeTokens{}
	r := newRig(t, h, tokens, forward.Options{})
	sent := strings.Repeat("body ", 100_000)
	if resp, body := r.do(t, "POST", "/x", strings.NewReader(sent)); resp.StatusCode != 200 || body != sent || executed.Load() != 1 {
		t.Errorf("answered %d with %d bytes after %d executions, want 200 with %d after 1", resp.StatusCode, len(body), executed.Load(), len(sent))
	}
	if want := []string{"t2 false", "t3 true"}; !slices.Equal(tokens.replayed, want) {
		t.Errorf("told of the replays: %q, want %q", tokens.replayed, want)
	}
}

// The token was renewed while the request was on its way, and the newer one
// has been revoked since: that costs one more attempt, not the request.
func TestTheCurrentTokenIsRefusedToo(t *testing.T) {
	var executed atomic.Int32
	tokens := &fakeTokens{}
	tokens.newer = func(_ context.Context, token, _ string) (string, bool, error) {
		if token == "t1" {
			return "t2", false, nil
		}
		return "t3", true, nil
	}
	r := newRig(t, accepting(&executed, ok, "t3"), tokens, forward.Options{})
	if resp, body := r.do(t, "POST", "/x", strings.NewReader("body")); resp.StatusCode != 200 || executed.Load() != 1 {
		t.Errorf("answered %d %s after %d executions, want 200 after 1", resp.StatusCode, body, executed.Load())
	}
}

func TestClaimsAfterAnExpiredToken(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Authorization") {
		case "Bearer t1":
			bearer(w, "")
		case "Bearer t2":
			bearer(w, `error="insufficient_claims", claims="`+base64.StdEncoding.EncodeToString([]byte(claims))+`", `)
		default:
			ok(w, r)
		}
	}
	tokens := &fakeTokens{}
	r := newRig(t, h, tokens, forward.Options{})
	if resp, body := r.do(t, "GET", "/x", nil); resp.StatusCode != 200 || !slices.Equal(tokens.rejected, []string{"t1", "t2" + claims}) {
		t.Errorf("answered %d %s, rejected %q", resp.StatusCode, body, tokens.rejected)
	}
}

func TestABodyThatWasNotKept(t *testing.T) {
	tests := []struct {
		name    string
		options forward.Options
		size    int
		chunked bool
		want    int
	}{
		{"within the limit", forward.Options{MaxBody: 1 << 20}, 1 << 20, false, 200},
		{"within the limit, chunked", forward.Options{MaxBody: 1 << 20}, 1 << 20, true, 200},
		{"over the limit", forward.Options{MaxBody: 1 << 20}, 1<<20 + 1, false, 503},
		{"over the limit, chunked", forward.Options{MaxBody: 1 << 20}, 2 << 20, true, 503},
		{"nothing is kept", forward.Options{MaxBody: -1}, 4 << 10, false, 503},
		{"no folder, but memory", forward.Options{Dir: "/nonexistent"}, 100 << 10, false, 200},
		{"no folder", forward.Options{Dir: "/nonexistent"}, 1 << 20, false, 503},
		{"no memory, but a folder", forward.Options{Memory: -1}, 1 << 20, false, 200},
		{"no budget, but a folder", forward.Options{Budget: forward.NewBudget(0)}, 1 << 20, true, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var executed atomic.Int32
			h := func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				accepting(&executed, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, len(b)) }, "t2")(w, r)
			}
			tokens := &fakeTokens{}
			r := newRig(t, h, tokens, tt.options)
			var body io.Reader = bytes.NewReader(make([]byte, tt.size))
			if tt.chunked {
				body = io.MultiReader(body)
			}
			resp, answer := r.do(t, "POST", "/x", body)
			if resp.StatusCode != tt.want {
				t.Fatalf("answered %d %s, want %d", resp.StatusCode, answer, tt.want)
			}
			if tt.want == 200 && answer != fmt.Sprint(tt.size) {
				t.Errorf("the replay had %s bytes, want %d", answer, tt.size)
			}
			if tt.want == 503 {
				if !strings.Contains(answer, "dvproxy.replay_impossible") || resp.Header.Get("Retry-After") != "1" {
					t.Errorf("answer %s with Retry-After %q", answer, resp.Header.Get("Retry-After"))
				}
				if resp, _ := r.do(t, "POST", "/x", nil); resp.StatusCode != 200 {
					t.Errorf("the next request is answered %d, want 200: the token was rejected", resp.StatusCode)
				}
			}
		})
	}
}

// A client that waits for leave to send has sent nothing when a 401 comes, so
// even a body that is never kept can be sent.
func TestExpectContinue(t *testing.T) {
	var executed atomic.Int32
	h := accepting(&executed, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, len(b))
	}, "t2")
	r := newRig(t, h, &fakeTokens{}, forward.Options{MaxBody: -1})
	request, _ := http.NewRequestWithContext(t.Context(), "POST", r.url, bytes.NewReader(make([]byte, 1<<20)))
	request.Header.Set("Expect", "100-continue")
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: 10 * time.Second}}
	resp, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(b) != "1048576" {
		t.Errorf("answered %d %s, want 200 and all bytes", resp.StatusCode, b)
	}
}
