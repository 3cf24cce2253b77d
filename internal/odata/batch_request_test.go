package odata

import (
	"fmt"
	"strings"
	"testing"
)

var batchRequestTable = []struct {
	name     string
	in, want string // want "" means: as in
}{
	{
		name: "change set",
		in: `--batch_1
Content-Type: multipart/mixed; boundary="changeset_2"

--changeset_2
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST <L>/api/data/v9.2/leads HTTP/1.1
Host: localhost:7080
Content-Type: application/json; type=entry

{"a@odata.bind":"<L>/x","b@odata.bind":"$1","members@odata.bind":["<L4>/1","<L6>/2"]}
--changeset_2
Content-Type: application/http
Content-ID: 2

PUT $1/primarycontactid/$ref HTTP/1.1
Content-Type: application/json

{"@odata.id":"$2"}
--changeset_2--

--batch_1
Content-Type: application/http

GET /api/data/v9.2/tasks?$filter=a eq 'b' HTTP/1.1
Host:127.0.0.1:7080
Accept: application/json


--batch_1--
`,
		want: `--batch_1
Content-Type: multipart/mixed; boundary="changeset_2"

--changeset_2
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

POST <R>/api/data/v9.2/leads HTTP/1.1
Host: contoso.crm.dynamics.com
Content-Type: application/json; type=entry

{"a@odata.bind":"<R>/x","b@odata.bind":"$1","members@odata.bind":["<R>/1","<R>/2"]}
--changeset_2
Content-Type: application/http
Content-ID: 2

PUT $1/primarycontactid/$ref HTTP/1.1
Content-Type: application/json

{"@odata.id":"$2"}
--changeset_2--

--batch_1
Content-Type: application/http

GET /api/data/v9.2/tasks?$filter=a eq 'b' HTTP/1.1
Host:contoso.crm.dynamics.com
Accept: application/json


--batch_1--
`,
	},
	{
		name: "request lines",
		in:   requestPart("DELETE <L>/a/$ref?$id=<L>/b%20c HTTP/1.1\n\n") + requestPart("GET  <L6>?x=a b&@p=http%3A%2F%2Flocalhost%3A7080%2Fx HTTP/1.1 \n\n"),
		want: requestPart("DELETE <R>/a/$ref?$id=<R>/b%20c HTTP/1.1\n\n") + requestPart("GET  <R>?x=a b&@p=https%3A%2F%2Fcontoso.crm.dynamics.com%2Fx HTTP/1.1 \n\n"),
	},
	{name: "the environment's own", in: requestPart("GET <A>/x HTTP/1.1\nHost: contoso.crm.dynamics.com\n\n")},
	{name: "not quite a request line", in: requestPart("GET <L>/x\nHost: localhost:7080\n\n") + requestPart("HTTP/1.1 200 OK\nHost: localhost:7080\n\n") + requestPart("GET HTTP/1.1\n\n")},
	{name: "other hosts and headers", in: requestPart("GET /x HTTP/1.1\nHost: localhost:7081\nReferer: <L>/x\nLocation: <L>/x\nHost: localhost\n\n")},
	{
		name: "v2 reference",
		in:   requestPart("POST /AccountSet(guid'1')/$links/a HTTP/1.1\nContent-Type: application/json\n\n{\"uri\":\"<L>/x\"}"),
		want: requestPart("POST /AccountSet(guid'1')/$links/a HTTP/1.1\nContent-Type: application/json\n\n{\"uri\":\"<R>/x\"}"),
	},
	{
		name: "lengths at all levels",
		in: `--batch_1
Content-Length: 271
Content-Type: multipart/mixed; boundary=c

--c
Content-Length: 107
Content-Type: application/http

POST <L>/x HTTP/1.1
content-length:40
Content-Type: application/json

{"@odata.id":"<L>/x"}

--c
Content-Type: application/http
Content-Length: 50

GET <L>/x HTTP/1.1

--c--
--batch_1--
`,
		want: `--batch_1
Content-Length: 304
Content-Type: multipart/mixed; boundary=c

--c
Content-Length: 129
Content-Type: application/http

POST <R>/x HTTP/1.1
content-length:51
Content-Type: application/json

{"@odata.id":"<R>/x"}

--c
Content-Type: application/http
Content-Length: 61

GET <R>/x HTTP/1.1

--c--
--batch_1--
`,
	},
	{
		name: "length with more digits",
		in:   requestPart("POST /x HTTP/1.1\nContent-Type: application/json\nContent-Length: 95\n\n" + `{"@odata.id":"<L>/x"}`),
		want: requestPart("POST /x HTTP/1.1\nContent-Type: application/json\nContent-Length: 106\n\n" + `{"@odata.id":"<R>/x"}`),
	},
	{
		name: "length with more digits within a length",
		in:   "--batch_1\nContent-Type: application/http\nContent-Length: 900\n\nPOST /x HTTP/1.1\nContent-Type: application/json\nContent-Length: 95\n\n" + `{"@odata.id":"<L>/x"}`,
		want: "--batch_1\nContent-Type: application/http\nContent-Length: 912\n\nPOST /x HTTP/1.1\nContent-Type: application/json\nContent-Length: 106\n\n" + `{"@odata.id":"<R>/x"}`,
	},
	{
		name: "too many lengths",
		in:   requestPart("POST /x HTTP/1.1\nContent-Type: application/json\n" + strings.Repeat("Content-Length: 50\n", 9) + "\n" + `{"@odata.id":"<L>/x"}`),
		want: requestPart("POST /x HTTP/1.1\nContent-Type: application/json\n" + strings.Repeat("Content-Length: 61\n", 8) + "Content-Length: 50\n\n" + `{"@odata.id":"<R>/x"}`),
	},
	{
		name: "nested too deep",
		in:   nested(5, "GET <L>/x HTTP/1.1\n\n"),
	},
	{
		name: "nested",
		in:   nested(4, "GET <L>/x HTTP/1.1\n\n"),
		want: nested(4, "GET <R>/x HTTP/1.1\n\n"),
	},
}

func requestPart(message string) string {
	return "--batch_1\nContent-Type: application/http\n\n" + message + "\n"
}

// nested is a message within so many multiparts.
func nested(levels int, message string) string {
	s := "--batch_1\n"
	for i := 2; i <= levels; i++ {
		s += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	return s + "Content-Type: application/http\n\n" + message
}

func TestBatchRequest(t *testing.T) {
	for _, tt := range batchRequestTable {
		t.Run(tt.name, func(t *testing.T) {
			checkBatch(t, (*View).Request, tt.in, tt.want)
		})
	}
}

func TestBatchHost(t *testing.T) {
	m, err := New(Origins{Remote: []string{remote}, Local: []string{"http://proxy"}})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{
		"proxy": "contoso.crm.dynamics.com", "Proxy:80": "contoso.crm.dynamics.com",
		"proxy:443": "proxy:443", "proxy:8": "proxy:8", "": "",
	} {
		in := requestPart("GET / HTTP/1.1\nHost:" + host + "\n\n")
		want := requestPart("GET / HTTP/1.1\nHost:" + want + "\n\n")
		if got := pieces(m.At("", "").Request(Message{ContentType: batchType}), in); got != want {
			t.Errorf("host %q: got %q", host, got)
		}
	}
}
