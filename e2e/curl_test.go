package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	api      = "/api/data/v9.2/"
	accounts = api + "accounts"
)

// A curlBench is a tenant, dvproxy before it, and curl.
type curlBench struct {
	*testing.T
	curl   string
	tenant *tenantProcess
	proxy  *proxy
	ids    int
}

func newCurlBench(t *testing.T) *curlBench {
	t.Helper()
	t.Parallel()
	b := &curlBench{T: t, curl: needTool(t, "curl"), tenant: startTenant(t)}
	b.proxy = b.tenant.serve(t)
	b.proxy.ready(t)
	return b
}

// curled is what curl showed. With several answers it is the last one.
type curled struct {
	exit   int
	out    string // all of it
	stderr string
	heads  []string // of interim answers and the last one, as on the wire
	status string   // "200"
	body   string
}

var answerHead = regexp.MustCompile(`^HTTP/[\d.]+ (\d{3})[^\r]*\r\n(?:[^\r]+\r\n)*\r\n`)

// command is curl with --include. A last argument that begins with a slash
// stands for a URL of the proxy.
func (b *curlBench) command(args ...string) *exec.Cmd {
	if last := len(args) - 1; strings.HasPrefix(args[last], "/") {
		args = slices.Concat(args[:last], []string{b.proxy.origin + args[last]})
	}
	cmd := exec.CommandContext(b.Context(), b.curl, append([]string{"-q", "-sSig", "--path-as-is", "--max-time", "20"}, args...)...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // no http_proxy
	return cmd
}

func (b *curlBench) do(args ...string) curled { return b.send(nil, args...) }

func (b *curlBench) send(stdin io.Reader, args ...string) curled {
	b.Helper()
	cmd := b.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		b.Fatal(err)
	}
	c := curled{exit: cmd.ProcessState.ExitCode(), out: stdout.String(), stderr: stderr.String()}
	c.body = c.out
	for m := answerHead.FindStringSubmatch(c.body); m != nil; m = answerHead.FindStringSubmatch(c.body) {
		c.heads, c.status, c.body = append(c.heads, m[0]), m[1], c.body[len(m[0]):]
	}
	return c
}

// want stops the test unless curl succeeded with this status.
func (c curled) want(t testing.TB, status string) curled {
	t.Helper()
	if c.exit != 0 || c.status != status {
		t.Fatalf("curl exited with %d, status %s, want 0 and %s: %s\n%s", c.exit, c.status, status, c.stderr, c.out)
	}
	return c
}

// fields are the values of a header field whose name is spelt like this.
func fields(head, name string) []string {
	var values []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			values = append(values, value)
		}
	}
	return values
}

func (c curled) fields(name string) []string {
	if len(c.heads) == 0 {
		return nil
	}
	return fields(c.heads[len(c.heads)-1], name)
}

// tagged adds a request id, by which Dataverse's record of the request is found.
func (b *curlBench) tagged(args ...string) (id string, all []string) {
	b.ids++
	id = fmt.Sprintf("%s-%d", b.Name(), b.ids)
	return id, append([]string{"-H", "x-ms-client-request-id: " + id}, args...)
}

var recordPath = regexp.MustCompile(`/api/data/v9\.2/accounts\([0-9a-f-]{36}\)$`)

// create makes a record and returns its path.
func (b *curlBench) create(body string, args ...string) string {
	b.Helper()
	args = slices.Concat([]string{"-H", "Content-Type: application/json", "-d", body}, args, []string{accounts})
	c := b.do(args...).want(b, "204")
	path := recordPath.FindString(strings.Join(c.fields("OData-EntityId"), ""))
	if path == "" || c.body != "" {
		b.Fatalf("created without a name or with a body:\n%s", c.out)
	}
	return path
}

// inFlight waits until dvproxy has so many requests in hand.
func (b *curlBench) inFlight(n string) {
	b.Helper()
	pattern := regexp.MustCompile(`(?m)^dvproxy_requests_in_flight\{.*\} ` + n + `$`)
	eventually(b.T, 20*time.Second, n+" requests are in flight", func() bool {
		return pattern.MatchString(b.do(b.proxy.admin+"/metrics").want(b, "200").body)
	})
}

func TestCurlReadsAndWrites(t *testing.T) {
	b := newCurlBench(t)
	path := b.create(`{"name":"first"}`)
	etag := b.do(path).want(t, "200").fields("ETag")
	if len(etag) != 1 {
		t.Fatalf("ETag %q, want one", etag)
	}
	for _, tt := range []struct {
		in   []string
		want string
		body string // has this in it; "" is none at all
	}{
		{[]string{path + "?$select=name"}, "200", `"name":"first"`},
		{[]string{"-X", "PATCH", "-H", "If-Match: " + etag[0], "-d", `{"name":"second"}`, path}, "204", ""},
		{[]string{"-X", "PATCH", "-H", "If-Match: " + etag[0], "-d", `{"name":"third"}`, path}, "412", "0x80060882"},
		{[]string{"-H", "Authorization: Bearer junk", path + "/name"}, "200", `"value":"second"`},
		{[]string{"-u", "user:password", path + "/name"}, "200", `"value":"second"`},
		{[]string{"-I", path}, "200", ""},
		{[]string{"-X", "OPTIONS", path}, "200", ""},
		{[]string{"-X", "PUT", "-d", `{"value":"fourth"}`, path + "/name"}, "204", ""},
		{[]string{"-X", "PATCH", "-H", "Prefer: return=representation", "-d", `{"city":"Köln"}`, path}, "200", `"name":"fourth","city":"Köln"`},
		{[]string{"-X", "DELETE", path}, "204", ""},
		{[]string{path}, "404", "0x80040217"},
		{[]string{"-X", "DELETE", path}, "404", "0x80040217"},
	} {
		c := b.do(tt.in...).want(t, tt.want)
		if !strings.Contains(c.body, tt.body) || (tt.body == "") != (c.body == "") {
			t.Errorf("%q: body %q, want %q", tt.in, c.body, tt.body)
		}
		if c.fields("OData-Version") == nil || c.fields("Proxy-Status") != nil {
			t.Errorf("%q: the answer is not Dataverse's own:\n%s", tt.in, c.out)
		}
	}
	if refused := b.tenant.stats(t).Refused; len(refused) != 0 {
		t.Errorf("Dataverse refused tokens: %v", refused)
	}
}

func TestCurlAfterRevocation(t *testing.T) {
	b := newCurlBench(t)
	path := b.create(`{"name":"first"}`)
	for _, tt := range []struct {
		in   []string
		want string
	}{
		{[]string{path}, "200"},
		{[]string{"-I", path}, "200"},
		{[]string{"-d", `{"name":"second"}`, accounts}, "204"},
		{[]string{"-H", "Transfer-Encoding: chunked", "-d", `{"name":"third"}`, accounts}, "204"},
		{[]string{"-X", "PATCH", "-H", "If-Match: *", "-d", `{"name":"fourth"}`, path}, "204"},
		{[]string{"-X", "DELETE", path}, "204"},
		{[]string{path}, "404"},
	} {
		b.tenant.control(t, "POST /tokens/revoke", nil)
		b.do(tt.in...).want(t, tt.want)
	}
	if s := b.tenant.stats(t); s.DeadTokens != 7 || s.TokenCalls["issued"] != 8 || s.Executed != 5 || s.Repeated != 0 {
		t.Errorf("Dataverse saw %d dead tokens, issued %d, executed %d writes, %d twice; want 7, 8, 5, 0",
			s.DeadTokens, s.TokenCalls["issued"], s.Executed, s.Repeated)
	}
}
