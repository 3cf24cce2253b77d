package simulator

import (
	"bufio"
	"compress/gzip"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// bench is a tenant that listens and a client of it.
type bench struct {
	*Server
	t     *testing.T
	token string // sent with every request; empty sends none
}

// newBench starts a tenant; the client has a token already.
func newBench(t *testing.T, opts Options) *bench {
	t.Helper()
	if opts.Key == nil {
		opts.Key = sharedKey()
	}
	s, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b := &bench{Server: s, t: t}
	b.token = s.IssueToken(s.DataverseURL)
	return b
}

// answer is a response read to its end.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // of the exchange or of the body
}

// client keeps no connections, follows no redirects and unpacks nothing.
var client = &http.Transport{DisableKeepAlives: true, DisableCompression: true}

func exchange(r *http.Request) answer {
	resp, err := client.RoundTrip(r)
	if err != nil {
		return answer{err: err}
	}
	defer resp.Body.Close()
	var from io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		if from, err = gzip.NewReader(resp.Body); err != nil {
			return answer{err: err}
		}
	}
	body, err := io.ReadAll(from)
	return answer{resp.StatusCode, resp.Header, string(body), err}
}

// data sends a request to Dataverse. Headers are "Name: value".
func (b *bench) data(method, target, body string, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequest(method, b.DataverseURL, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	path, _, _ := strings.Cut(target, "?")
	r.URL.Opaque = path
	_, r.URL.RawQuery, _ = strings.Cut(target, "?")
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header[name] = append(r.Header[name], value)
	}
	return exchange(r)
}

// form is a token request that succeeds, with changes: "name=value" sets,
// "name" removes.
func (b *bench) form(changes ...string) url.Values {
	v := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {DefaultClientID},
		"client_secret": {DefaultClientSecret}, "scope": {b.DataverseURL + "/.default"},
	}
	for _, change := range changes {
		if name, value, set := strings.Cut(change, "="); set {
			v.Set(name, value)
		} else {
			v.Del(name)
		}
	}
	return v
}

const v2Path = "/" + DefaultTenantID + "/oauth2/v2.0/token"

func (b *bench) post(path string, form url.Values, headers ...string) answer {
	b.t.Helper()
	r, err := http.NewRequest("POST", b.EntraURL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	return exchange(r)
}

// members reads a JSON object.
func (a answer) members(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	return m
}

// errorCode is the code of an OData error body.
func (a answer) errorCode() string {
	var body struct{ Error odataErrorBody }
	json.Unmarshal([]byte(a.body), &body)
	return body.Error.Code
}

func (a answer) want(t *testing.T, status int, code string) {
	t.Helper()
	if a.err != nil || a.status != status || a.errorCode() != code {
		t.Errorf("%d %s %s %v, want %d %s", a.status, a.errorCode(), a.body, a.err, status, code)
	}
}

// id is the GUID in OData-EntityId.
func (a answer) id(t *testing.T) string {
	t.Helper()
	value := a.header.Get("OData-EntityId")
	if len(value) < guidLength+1 {
		t.Fatalf("OData-EntityId %q in %d %s", value, a.status, a.body)
	}
	return value[len(value)-guidLength-1 : len(value)-1]
}

// rawExchange sends bytes and returns the answer's head as it is on the wire.
func rawExchange(t *testing.T, origin, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(origin, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, request)
	var head strings.Builder
	in := bufio.NewReader(conn)
	for {
		line, err := in.ReadString('\n')
		head.WriteString(line)
		if err != nil || line == "\r\n" {
			return head.String()
		}
	}
}

// sharedKey saves each test the making of one.
var sharedKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})
