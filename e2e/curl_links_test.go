package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const v2 = "/XRMServices/2011/OrganizationData.svc/"

// newLinkBench is a curlBench with small pages and a configuration file.
func newLinkBench(t *testing.T, config string, more ...string) *curlBench {
	t.Helper()
	t.Parallel()
	b := &curlBench{T: t, curl: needTool(t, "curl"), tenant: startTenant(t, "--page-size", "2")}
	b.proxy = start(t, "proxy", append([]string{
		"DVPROXY_CONFIG=" + configFile(t, config),
		"DATAVERSE_URL=" + b.tenant.DataverseURL,
		"AZURE_AUTHORITY_HOST=" + b.tenant.EntraURL,
		"AZURE_TENANT_ID=" + b.tenant.TenantID,
		"AZURE_CLIENT_ID=" + b.tenant.ClientID,
		"AZURE_CLIENT_SECRET=" + b.tenant.ClientSecret,
	}, more...), "serve")
	b.proxy.ready(t)
	return b
}

// json decodes a body.
func (c curled) json(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(c.body), into); err != nil {
		t.Fatalf("%v in\n%s", err, c.out)
	}
}

// port is that of the listener.
func (b *curlBench) port() string {
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(b.proxy.origin, "http://"))
	return port
}

// absent says whether there is a word of the environment's own origin.
func (b *curlBench) absent(c curled) {
	b.Helper()
	if strings.Contains(c.out, b.tenant.DataverseURL) {
		b.Errorf("a link leads past the proxy:\n%s", c.out)
	}
}

// TestCurlLinks follows the links of all kinds of answers, as they are given.
func TestCurlLinks(t *testing.T) {
	b := newLinkBench(t, "environments: [{}]\n")
	origins := []string{b.proxy.origin, "http://127.0.0.1:" + b.port()}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		origins = append(origins, "http://[::1]:"+b.port())
	}
	for i, origin := range origins {
		for _, more := range [][]string{nil, {"--http1.0"}, {"--compressed"}} {
			before, beforeAnswers := mappedLinks(t, b.proxy)
			name := fmt.Sprint("by ", i, more)
			created := b.do(slices.Concat(more, []string{"-d", `{"name":"` + name + `"}`, "-H", "Content-Type: application/json", origin + accounts})...).want(t, "204")
			id := created.fields("OData-EntityId")
			if len(id) != 1 || !strings.HasPrefix(id[0], origin+"/") {
				t.Fatalf("%s: OData-EntityId %q, want one that begins with %s", name, id, origin)
			}
			var record map[string]string
			b.do(append(more, id[0]+"?$select=name")...).want(t, "200").json(t, &record)
			if record["name"] != name || !strings.HasPrefix(record["@odata.context"], origin+api) {
				t.Errorf("%s leads to %q", id[0], record)
			}
			// The one who is bound to a record by an absolute URL is found by it.
			bound := b.do(slices.Concat(more, []string{
				"-H", "Prefer: return=representation", "-H", "Content-Type: application/json",
				"-d", `{"fullname":"` + name + `","parentcustomerid_account@odata.bind":"` + id[0] + `"}`, origin + api + "contacts",
			})...).want(t, "201")
			if key := id[0][len(id[0])-37 : len(id[0])-1]; !strings.Contains(bound.body, `"_parentcustomerid_account_value":"`+key+`"`) {
				t.Errorf("bound to another than %s:\n%s", key, bound.body)
			}
			b.absent(created)
			b.absent(bound)
			if requests, answers := mappedLinks(t, b.proxy); requests != before+1 || answers < beforeAnswers+4 {
				t.Errorf("%s: links mapped: %d of requests, %d of answers; want 1 and 4 at least", name, requests-before, answers-beforeAnswers)
			}
		}
	}
}

// TestCurlNextLinks reads page after page. All of a page but its links is as
// Dataverse writes it, byte for byte.
func TestCurlNextLinks(t *testing.T) {
	b := newLinkBench(t, "environments: [{}]\n")
	var names []string
	for i := range 7 {
		name := fmt.Sprint("row ", i)
		names = append(names, name)
		b.create(`{"name":"`+name+`"}`, "-H", "Expect:")
	}
	for _, tt := range []struct {
		name string
		path string
		key  string // of the link
		in   []string
	}{
		{"OData 4", accounts + "?$select=name", "@odata.nextLink", nil},
		{"OData 4, HTTP 1.0", accounts + "?$select=name&$orderby=name", "@odata.nextLink", []string{"--http1.0"}},
		{"OData 4, HTTP 1.0 without Host", accounts + "?$select=name&$count=true", "@odata.nextLink", []string{"--http1.0", "-H", "Host:"}},
		{"OData 4, full metadata", accounts + "?$select=name", "@odata.nextLink", []string{"-H", "Accept: application/json;odata.metadata=full"}},
		{"OData 2", v2 + "AccountSet?$select=Name&$filter=Name%20ne%20null", "__next", []string{"-H", "Accept: application/json"}},
	} {
		link := regexp.MustCompile(`"` + regexp.QuoteMeta(tt.key) + `":"([^"]*)"`)
		named := regexp.MustCompile(`"[Nn]ame":"(row \d)"`)
		var got []string
		pages := 0
		for next := b.proxy.origin + tt.path; next != ""; pages++ {
			rest, ok := strings.CutPrefix(next, b.proxy.origin)
			if !ok {
				t.Fatalf("%s: the link leads to %s", tt.name, next)
			}
			if tt.key == "__next" && pages > 0 && !strings.Contains(rest, " ") {
				t.Errorf("%s: the link has no raw space: %s", tt.name, rest)
			}
			// A space cannot be sent; everybody writes it like this.
			next = strings.ReplaceAll(next, " ", "%20")
			c := b.do(append(tt.in, next)...).want(t, "200")
			b.absent(c)
			for _, m := range named.FindAllStringSubmatch(c.body, -1) {
				got = append(got, m[1])
			}
			next = ""
			if m := link.FindStringSubmatch(c.body); m != nil {
				next = strings.NewReplacer(`\"`, `"`, `\/`, `/`).Replace(m[1])
			}
		}
		if !slices.Equal(got, names) || pages != 4 {
			t.Errorf("%s: rows %q on %d pages, want %q on 4", tt.name, got, pages, names)
		}
	}
}

// TestCurlStatusMonitor holds that one who waits for a background operation
// asks the proxy.
func TestCurlStatusMonitor(t *testing.T) {
	b := newLinkBench(t, "environments: [{}]\n")
	for _, callback := range []string{"", `, odata.callback; url="https://example.com/hook"`} {
		c := b.do("-H", "Prefer: respond-async"+callback, "-H", "Content-Type: application/json", "-d", `{"Name":"x"}`, api+"sample_Export").want(t, "202")
		b.absent(c)
		monitor := c.fields("Location")
		if len(monitor) != 1 || !strings.HasPrefix(monitor[0], b.proxy.origin+"/api/backgroundoperation/") {
			t.Fatalf("Location %q", monitor)
		}
		if callback != "" {
			var body struct{ Location string }
			if c.json(t, &body); body.Location != monitor[0] {
				t.Errorf("the body says %q, the header %q", body.Location, monitor[0])
			}
		}
		if done := b.do(monitor[0]).want(t, "200"); !strings.Contains(done.body, `"Name":"x"`) {
			t.Errorf("the monitor answers %s", done.body)
		}
	}
}

// TestCurlReferences dissolves references by absolute URLs in the query, raw
// and escaped.
func TestCurlReferences(t *testing.T) {
	b := newLinkBench(t, "environments: [{}]\n")
	account := b.create(`{"name":"holder"}`)
	refs := account + "/contact_customer_accounts/$ref"
	escape := strings.NewReplacer(":", "%3A", "/", "%2F", "(", "%28", ")", "%29").Replace
	lower := strings.NewReplacer(":", "%3a", "/", "%2f").Replace
	for _, tt := range []struct{ name, host, in string }{
		{"raw", "localhost", "$id=%s"},
		{"raw, 127.0.0.1", "127.0.0.1", "$id=%s"},
		{"escaped", "localhost", "$id=" + "E"},
		{"escaped in lower case, and the name too", "LOCALHOST", "%24id=" + "e"},
	} {
		c := b.do("-H", "Content-Type: application/json", "-d", `{"fullname":"`+tt.name+`"}`, api+"contacts").want(t, "204")
		url := strings.Replace(c.fields("OData-EntityId")[0], "//localhost:", "//"+tt.host+":", 1)
		b.do("-H", "Content-Type: application/json", "-d", `{"@odata.id":"`+url+`"}`, refs).want(t, "204")
		if linked := b.do(account+"/contact_customer_accounts").want(t, "200"); !strings.Contains(linked.body, `"`+tt.name+`"`) {
			t.Fatalf("%s: not linked:\n%s", tt.name, linked.body)
		}
		query := strings.NewReplacer("%s", url, "=E", "="+escape(url), "=e", "="+lower(url)).Replace(tt.in)
		id, args := b.tagged("-X", "DELETE", refs+"?"+query)
		b.do(args...).want(t, "204")
		if linked := b.do(account+"/contact_customer_accounts").want(t, "200"); strings.Contains(linked.body, `"`+tt.name+`"`) {
			t.Errorf("%s: still linked:\n%s", tt.name, linked.body)
		}
		if arrived := b.tenant.arrived(t, id).RequestURI; strings.Contains(arrived, b.port()) {
			t.Errorf("%s: Dataverse got %s", tt.name, arrived)
		}
	}
}

// TestCurlBatch sends a batch that was written by hand, with all that a client
// may put into one.
func TestCurlBatch(t *testing.T) {
	b := newLinkBench(t, "environments: [{}]\n")
	account := b.create(`{"name":"there"}`)
	inner := `{"fullname":"bound","parentcustomerid_account@odata.bind":"` + b.proxy.origin + account + `"}`
	body := strings.ReplaceAll(strings.NewReplacer("ORIGIN", b.proxy.origin, "HOST", strings.TrimPrefix(b.proxy.origin, "http://"),
		"INNER", inner, "LENGTH", fmt.Sprint(len(inner)), "ACCOUNT", account).Replace(`preamble ORIGIN/api
--b
Content-Type: multipart/mixed; boundary="c"

--c
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST ORIGIN/api/data/v9.2/contacts HTTP/1.1
Host: HOST
Content-Type: application/json; type=entry
Content-Length: LENGTH

INNER
--c
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

PATCH $1 HTTP/1.1
Content-Type: application/json

{"description":"ORIGIN/api/data/v9.2/accounts(1)"}
--c--
--b
Content-Type: application/http

GET ORIGINACCOUNT HTTP/1.1
Accept: application/json

--b
Content-Type: application/http

GET ACCOUNT HTTP/1.1

--b--
`), "\n", "\r\n")
	c := b.do("-H", "Content-Type: multipart/mixed; boundary=b", "--data-binary", body, api+"$batch").want(t, "200")
	b.absent(c)
	if n := strings.Count(c.body, "HTTP/1.1 20"); n != 4 {
		t.Fatalf("%d parts were done, want 4:\n%s", n, c.body)
	}
	location := regexp.MustCompile(`(?m)^Location: ?(http\S+)\r$`).FindStringSubmatch(c.body)
	if location == nil || !strings.HasPrefix(location[1], b.proxy.origin+"/") {
		t.Fatalf("no Location to follow:\n%s", c.body)
	}
	var record map[string]string
	b.do(location[1]).want(t, "200").json(t, &record)
	if record["description"] != b.proxy.origin+"/api/data/v9.2/accounts(1)" || !strings.Contains(account, record["_parentcustomerid_account_value"]) {
		t.Errorf("the record is %q", record)
	}
}
