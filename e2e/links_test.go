package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/simulator"
)

// linkReport is what client/links.mjs prints.
type linkReport struct {
	Rounds   int            `json:"rounds"`
	Writes   int            `json:"writes"`   // that Dataverse must have executed
	Refusals int            `json:"refusals"` // of tokens, that the client has brought about
	Files    []sentFile     `json:"files"`
	Kept     []string       `json:"kept"` // ids of the records with the text
	Failure  string         `json:"failure"`
	Requests int            `json:"requests"`
	Statuses map[string]int `json:"statuses"`
	Links    int            `json:"links"`  // to the proxy, in answers
	Strays   []string       `json:"strays"` // links that lead elsewhere
}

// A sentFile is a file as the client sent it, and the record that has it.
type sentFile struct {
	ID string `json:"id"`
	simulator.StoredFile
}

func follow(t *testing.T, node, origin string, s *simulator.Server, args ...string) linkReport {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), node, append([]string{"links.mjs", "--origin", origin, "--control", s.ControlURL}, args...)...)
	cmd.Dir = "client"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // no http_proxy: the library would heed it
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output() // its exit code is in the report too
	var report linkReport
	if bad := json.Unmarshal(out, &report); bad != nil || report.Requests == 0 {
		t.Fatalf("links.mjs: %v\n%s%s", err, out, stderr.String())
	}
	if report.Failure != "" || len(report.Strays) > 0 || report.Rounds == 0 {
		t.Errorf("after %d rounds: %s\nled elsewhere: %q", report.Rounds, report.Failure, report.Strays)
	}
	return report
}

// check compares what the client did with what Dataverse saw.
func (r linkReport) check(t *testing.T, s *simulator.Server, p *proxy) {
	t.Helper()
	stats := s.Stats()
	refused := stats.Statuses["401"]
	delete(stats.Statuses, "401")
	if stats.Requests != r.Requests+refused || !maps.Equal(stats.Statuses, r.Statuses) {
		t.Errorf("Dataverse saw %d requests and answered %v and 401 %d times; the client made %d, answered %v",
			stats.Requests, stats.Statuses, refused, r.Requests, r.Statuses)
	}
	if stats.Executed != r.Writes || stats.Repeated != 0 {
		t.Errorf("Dataverse executed %d writes, %d of them twice; the client made %d", stats.Executed, stats.Repeated, r.Writes)
	}
	if stats.Refused["missing"]+stats.Refused["malformed"] != 0 {
		t.Errorf("Dataverse saw requests without a token: %v", stats.Refused)
	}
	for _, recent := range s.Recent() {
		if path, _, _ := strings.Cut(recent.RequestURI, "?"); recent.Service == "dataverse" && strings.Contains(path, "://") {
			t.Errorf("Dataverse got a mangled path: %s", path)
		}
	}
	for _, want := range r.Files {
		if got, _ := s.File("accounts", want.ID, "sample_file"); got != want.StoredFile {
			t.Errorf("Dataverse has the file %+v, the client sent %+v", got, want)
		}
	}
	requests, responses := mappedLinks(t, p)
	if requests == 0 || responses != r.Links {
		t.Errorf("dvproxy says that it mapped %d links of requests and %d of answers; the client saw %d, some in requests", requests, responses, r.Links)
	}
}

var mappedMetric = regexp.MustCompile(`(?m)^dvproxy_links_mapped_total\{direction="(request|response)",.*\} (\d+)$`)

// mappedLinks are the links that dvproxy says it has mapped.
func mappedLinks(t testing.TB, p *proxy) (requests, responses int) {
	t.Helper()
	found := mappedMetric.FindAllStringSubmatch(metrics(t, p), -1)
	for _, m := range found {
		n, _ := strconv.Atoi(m[2]) // are digits
		if m[1] == "request" {
			requests = n
		} else {
			responses = n
		}
	}
	if len(found) != 2 {
		t.Fatalf("metrics name %d directions, want 2", len(found))
	}
	return requests, responses
}

// TestDynamicsWebAPILinks lets a real client library follow whatever link it is
// given, by each of the names that the proxy has.
func TestDynamicsWebAPILinks(t *testing.T) {
	node := needTool(t, "node")
	installClient(t)
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			if l, err := net.Listen("tcp", host+":0"); err != nil {
				t.Skipf("no %s here: %v", host, err)
			} else {
				l.Close()
			}
			s := tenant(t, simulator.Options{KeptFile: 32 << 20, RecentRequests: 1000})
			p := serve(t, s)
			p.ready(t)
			_, port, _ := net.SplitHostPort(strings.TrimPrefix(p.origin, "http://"))
			origin := "http://" + host + ":" + port
			text := textWith(s.DataverseURL, origin)
			report := follow(t, node, origin, s, "--text", text)
			report.check(t, s, p)
			for _, id := range report.Kept {
				if got := description(t, s, id); got != text {
					t.Errorf("after a read and a write back, Dataverse has the text\n%s, want\n%s", got, text)
				}
			}
		})
	}
}

// TestDynamicsWebAPILinksOverRefusals does the same while tokens die of age,
// and others are refused before batches, blocks of files and references: all
// of them are sent again, with their links.
func TestDynamicsWebAPILinksOverRefusals(t *testing.T) {
	t.Parallel()
	node := needTool(t, "node")
	installClient(t)
	const lifetime = 3 * time.Second
	s := tenant(t, simulator.Options{TokenLifetime: lifetime, KeptFile: 32 << 20, RecentRequests: 5000})
	p := start(t, "proxyrace", env(s), "serve")
	p.ready(t)
	report := follow(t, node, p.origin, s, "--text", textWith(s.DataverseURL, p.origin), "--revoke", "--megabytes", "9", "--seconds", (2 * lifetime).String()[:1])
	report.check(t, s, p)
	// A token that is renewed in the moment of its revocation is refused to nobody.
	if refused := s.Stats().DeadTokens + s.Stats().Faults["unauthorized"]; refused < report.Refusals*9/10 {
		t.Errorf("Dataverse refused %d requests, the client brought about %d refusals", refused, report.Refusals)
	}
	t.Logf("%d rounds, %d requests, %d refused, %d links", report.Rounds, report.Requests, report.Refusals, report.Links)
}

// textWith is what a record may hold: origins as plain text, where a link
// would begin, and in JSON within JSON. Nothing of it is a link.
func textWith(remote, local string) string {
	var b strings.Builder
	for _, origin := range []string{remote, local} {
		u := origin + "/kept/api/data/v9.2/accounts(1)?a=%2f"
		inner, _ := json.Marshal(map[string]string{"@odata.nextLink": u, "primarycontactid@odata.bind": u, "uri": u}) // strings
		escaped := strings.ReplaceAll(string(inner), "/", `\/`)
		nested, _ := json.Marshal(map[string]string{"@odata.id": string(inner)})
		b.WriteString(u + " <" + u + "> '" + u + "' " + string(inner) + " " + escaped + " " + string(nested) +
			` ","@odata.nextLink":"` + u + `","Location: ` + u + "\r\nOData-EntityId: " + u + "\r\n\t\u00e9\U0001f600 " + url.QueryEscape(u) + "\n")
	}
	return b.String()
}

// description reads a record past the proxy.
func description(t *testing.T, s *simulator.Server, id string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", s.DataverseURL+accounts+"("+id+")?$select=description", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token(t, s))
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var record struct{ Description string }
	body, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(body, &record); err != nil || resp.StatusCode != 200 {
		t.Fatalf("answered %d, %v", resp.StatusCode, err)
	}
	return record.Description
}

// token signs in as the application.
func token(t *testing.T, s *simulator.Server) string {
	t.Helper()
	resp, err := http.PostForm(s.EntraURL+"/"+s.TenantID()+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {s.ClientID()}, "client_secret": {s.ClientSecret()},
		"scope": {s.DataverseURL + "/.default"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(readAll(resp)), &answer); err != nil || answer.Token == "" {
		t.Fatalf("no token: status %d, %v", resp.StatusCode, err)
	}
	return answer.Token
}
