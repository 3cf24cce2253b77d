package simulator

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// sendBatch sends a batch that is written with bare line feeds. <O> stands for
// the environment's origin, there and in the answer, GUIDs are G.
func (b *bench) sendBatch(body string, headers ...string) (answer, string) {
	b.t.Helper()
	body = strings.ReplaceAll(strings.ReplaceAll(body, "<O>", b.DataverseURL), "\n", "\r\n")
	a := b.data("POST", "/api/data/v9.2/$batch", body, append(headers, "Content-Type: multipart/mixed; boundary=\"batch_1\"")...)
	text := strings.ReplaceAll(strings.ReplaceAll(a.body, "\r\n", "\n"), b.DataverseURL, "<O>")
	if strings.Contains(strings.ReplaceAll(a.body, "\r\n", ""), "\n") {
		b.t.Errorf("a line ends in LF alone: %q", a.body)
	}
	return a, guids.ReplaceAllString(text, "G")
}

var guids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

func alone(message string) string {
	return "--batch_1\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n" + message + "\n"
}

// together is a change set of messages with the Content-IDs 1, 2, ...
func together(messages ...string) string {
	s := "--batch_1\nContent-Type: multipart/mixed;boundary=changeset_1\n\n"
	for i, message := range messages {
		s += fmt.Sprintf("--changeset_1\nContent-Type: application/http\nContent-Transfer-Encoding:binary\nContent-ID:%d\n\n%s\n", i+1, message)
	}
	return s + "--changeset_1--\n\n"
}

const batchEnd = "--batch_1--\n"

func request(line, body string) string {
	return line + " HTTP/1.1\nContent-Type: application/json; type=entry\n\n" + body
}

// The answer is, but for which samples it follows, that of the published ones.
func TestBatchOnTheWire(t *testing.T) {
	b := newBench(t, Options{})
	a, got := b.sendBatch(
		together(
			request("POST /api/data/v9.2/tasks", `{"subject":"one"}`),
			request("POST <O>/api/data/v9.2/tasks", `{"subject":"two"}`),
			request("PUT $1/subject", `{"value":"uno"}`),
		) +
			alone("GET tasks?$select=subject HTTP/1.1\nAccept: application/json\n") +
			alone("DELETE /api/data/v9.2/tasks(00000000-0000-0000-0000-000000000001) HTTP/1.1") + batchEnd)
	want := `--batchresponse_G
Content-Type: multipart/mixed; boundary=changesetresponse_G

--changesetresponse_G
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
OData-Version: 4.0
Location: <O>/api/data/v9.2/tasks(G)
OData-EntityId: <O>/api/data/v9.2/tasks(G)


--changesetresponse_G
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 2

HTTP/1.1 204 No Content
OData-Version: 4.0
Location:<O>/api/data/v9.2/tasks(G)
OData-EntityId:<O>/api/data/v9.2/tasks(G)
Access-Control-Expose-Headers: Preference-Applied, OData-EntityId, Location, ETag, OData-Version, Content-Encoding, Transfer-Encoding, Content-Length, Retry-After

--changesetresponse_G
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 3

HTTP/1.1 204 No Content
OData-Version: 4.0


--changesetresponse_G--
--batchresponse_G
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal; odata.streaming=true
OData-Version: 4.0
Access-Control-Expose-Headers: Preference-Applied, OData-EntityId, Location, ETag, OData-Version, Content-Encoding, Transfer-Encoding, Content-Length, Retry-After

{"@odata.context":"<O>/api/data/v9.2/$metadata#tasks(subject)","value":[{"@odata.etag":"W/\"73921467\"","taskid":"G","subject":"uno"},{"@odata.etag":"W/\"73921466\"","taskid":"G","subject":"two"}]}
--batchresponse_G
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 404 Not Found
REQ_ID: G
Content-Type: application/json; odata.metadata=minimal
OData-Version: 4.0

{"error":{"code":"0x80040217","message":"Entity 'task' With Id = G Does Not Exist"}}
--batchresponse_G--
`
	if a.status != 400 || got != want {
		t.Errorf("%d\n%s\nwant\n%s", a.status, got, want)
	}
	boundary, _, _ := strings.Cut(a.body, "\r\n")
	if got := a.header.Get("Content-Type"); got != "multipart/mixed; boundary="+boundary[2:] || a.header.Get("Content-Length") == "" {
		t.Errorf("Content-Type %q, first line %q", got, boundary)
	}
	if got := b.Stats(); got.Requests != 1 || got.Executed != 3 || got.Statuses["400"] != 1 {
		t.Errorf("%+v", got)
	}
	if got := b.Executions().ByName; got["tasks/one"] != 1 || got["tasks/two"] != 1 {
		t.Errorf("executions %v", got)
	}
}

func TestContentIDs(t *testing.T) {
	b := newBench(t, Options{})
	a, got := b.sendBatch(together(
		request("POST <O>/api/data/v9.2/accounts", `{"name":"a"}`),
		request("POST <O>/api/data/v9.2/contacts", `{"lastname":"c"}`),
		request("PUT $1/primarycontactid/$ref", `{"@odata.id":"$2"}`),
		request("PATCH $1", `{"parentaccountid@odata.bind":"$1","fax":"1"}`),
		request("POST /api/data/v9.2/tasks", `{"subject":"t","regardingobjectid_account@odata.bind":"$4"}`),
	) + batchEnd)
	if a.status != 200 || strings.Count(got, "204 No Content") != 5 {
		t.Fatalf("%d %s", a.status, got)
	}
	account := b.page(accounts).Value[0]
	contact := b.page("/api/data/v9.2/contacts").Value[0]["contactid"]
	task := b.page("/api/data/v9.2/tasks").Value[0]
	if account["_primarycontactid_value"] != contact || account["_parentaccountid_value"] != account["accountid"] || account["fax"] != "1" {
		t.Errorf("account %v, contact %v", account, contact)
	}
	if task["_regardingobjectid_account_value"] != account["accountid"] {
		t.Errorf("task %v", task)
	}
}

func TestChangeSetIsAllOrNothing(t *testing.T) {
	const kept, gone = "(00000000-0000-0000-0000-000000000001)", "(00000000-0000-0000-0000-000000000002)"
	for _, goOn := range []bool{false, true} {
		b := newBench(t, Options{})
		for _, id := range []string{kept, gone} {
			b.data("PATCH", accounts+id, `{"name":"before"}`).want(t, 204, "")
		}
		b.data("POST", accounts+kept+"/friends/$ref", `{"@odata.id":"accounts`+gone+`"}`).want(t, 204, "")
		b.data("PATCH", accounts+gone+"/doc", "content", "x-ms-file-name: f").want(t, 204, "")
		before := b.data("GET", accounts, "").body
		b.ResetStats()
		var headers []string
		if goOn {
			headers = []string{"Prefer: return=minimal, odata.continue-on-error"}
		}
		a, got := b.sendBatch(together(
			request("POST /api/data/v9.2/accounts", `{"name":"new"}`),
			request("PATCH /api/data/v9.2/accounts"+kept, `{"name":"after"}`),
			request("DELETE /api/data/v9.2/accounts"+kept+"/friends/$ref?$id=<O>/api/data/v9.2/accounts"+gone, ""),
			request("DELETE /api/data/v9.2/accounts"+gone, ""),
			request("DELETE /api/data/v9.2/accounts"+gone, ""),
		)+alone(request("POST /api/data/v9.2/contacts", `{"lastname":"next"}`))+batchEnd, headers...)
		want := "--batchresponse_G\nContent-Type: application/http\nContent-Transfer-Encoding: binary\nContent-ID: 5\n\nHTTP/1.1 404 Not Found\nREQ_ID: G\n"
		if status := map[bool]int{false: 400, true: 200}[goOn]; a.status != status || !strings.HasPrefix(got, want) || strings.Contains(got, "changeset") {
			t.Errorf("%d %s", a.status, got)
		}
		if after := b.data("GET", accounts, "").body; after != before {
			t.Errorf("after  %s\nbefore %s", after, before)
		}
		if got := b.page(accounts + kept + "/friends").names(); got != "before" {
			t.Errorf("friends %q", got)
		}
		if _, ok := b.File("accounts", gone[1:37], "doc"); !ok {
			t.Error("the file is gone")
		}
		next := map[bool]int{false: 0, true: 1}[goOn]
		if got := b.Stats(); got.Executed != next || got.Rows["contacts"] != next {
			t.Errorf("goes on %v: %+v", goOn, got)
		}
		if goOn != (a.header.Get("Preference-Applied") == "odata.continue-on-error") {
			t.Errorf("Preference-Applied %q", a.header.Get("Preference-Applied"))
		}
	}
}

func TestBatchStopsAtTheFirstFailure(t *testing.T) {
	b := newBench(t, Options{})
	body := alone(request("POST /api/data/v9.2/accounts", `{"name":"a"}`)) + alone("GET /api/data/v9.2/nothing HTTP/1.1\n\n") + alone(request("POST /api/data/v9.2/accounts", `{"name":"b"}`)) + batchEnd
	a, got := b.sendBatch(body)
	if a.status != 400 || strings.Count(got, "\nHTTP/1.1 ") != 2 || b.page(accounts).names() != "a" {
		t.Errorf("%d %s", a.status, got)
	}
	if a, got = b.sendBatch(body, "Prefer: odata.continue-on-error"); a.status != 200 || strings.Count(got, "\nHTTP/1.1 ") != 3 {
		t.Errorf("%d %s", a.status, got)
	}
	if got := b.Executions().ByName; got["accounts/a"] != 2 || got["accounts/b"] != 1 {
		t.Errorf("executions %v", got)
	}
}
