package odata

import (
	"strings"
	"testing"
)

const batchType = `multipart/mixed; boundary="batch_1"`

var batchAnswerTable = []struct {
	name     string
	in, want string // want "" means: as in
}{
	{
		name: "change set and query",
		in: `--batch_1
Content-Type: multipart/mixed; boundary=changesetresponse_64cc3fff

--changesetresponse_64cc3fff
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
OData-Version: 4.0
Location: <A>/api/data/v9.2/tasks(e73ffc82)
OData-EntityId: <A>/api/data/v9.2/tasks(e73ffc82)


--changesetresponse_64cc3fff--
--batch_1
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal; odata.streaming=true
OData-Version: 4.0

{ "@odata.context": "<R>/api/data/v9.2/$metadata#tasks(subject)", "value": [ {"subject":"<R>/x"} ] }
--batch_1--
`,
		want: `--batch_1
Content-Type: multipart/mixed; boundary=changesetresponse_64cc3fff

--changesetresponse_64cc3fff
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
OData-Version: 4.0
Location: <L>/api/data/v9.2/tasks(e73ffc82)
OData-EntityId: <L>/api/data/v9.2/tasks(e73ffc82)


--changesetresponse_64cc3fff--
--batch_1
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: application/json; odata.metadata=minimal; odata.streaming=true
OData-Version: 4.0

{ "@odata.context": "<L>/api/data/v9.2/$metadata#tasks(subject)", "value": [ {"subject":"<R>/x"} ] }
--batch_1--
`,
	},
	{
		name: "headers without spaces in any case",
		in:   answerPart("HTTP/1.1 204 No Content\nLocation:<R>/x\nodata-entityid:\t <R>/x \nCONTENT-LOCATION:<R>\nX-Other: <R>/x\nlocation <R>\n\n"),
		want: answerPart("HTTP/1.1 204 No Content\nLocation:<L>/x\nodata-entityid:\t <L>/x \nCONTENT-LOCATION:<L>\nX-Other: <R>/x\nlocation <R>\n\n"),
	},
	{
		name: "length",
		in:   answerPart("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 64\n\n" + `{"@odata.id":"<R>/x"}`),
		want: answerPart("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 53\n\n" + `{"@odata.id":"<L>/x"}`),
	},
	{
		name: "length keeps its spelling where nothing changes",
		in:   answerPart("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length:  0007 \n\n" + `{"a":1}`),
	},
	{
		name: "length of a body that is not mapped",
		in:   answerPart("HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 21\n\n" + `{"@odata.id":"<R>/x"}`),
	},
	{
		name: "length that is none",
		in:   answerPart("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: many\n\n" + `{"@odata.id":"<R>/x"}`),
		want: answerPart("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: many\n\n" + `{"@odata.id":"<L>/x"}`),
	},
	{
		name: "status monitor",
		in:   answerPart("HTTP/1.1 202 Accepted\nContent-Type: application/json\n\n" + `{"location":"<R>/x"}`),
		want: answerPart("HTTP/1.1 202 Accepted\nContent-Type: application/json\n\n" + `{"location":"<L>/x"}`),
	},
	{
		name: "error",
		in:   answerPart("HTTP/1.1 400 Bad Request\nREQ_ID: 5ecd1cb3\nContent-Type: application/json; odata.metadata=minimal\n\n" + `{"error":{"code":"0x80044331","message":"at <R>/x"}}`),
	},
	{
		name: "endpoints",
		in:   answerPart("HTTP/1.1 200 OK\nContent-Type: application/json\n\n" + `{"@odata.context":"<R>/$metadata` + organizationContext + `","Detail":{"Endpoints":[{"value":"<R>/"}]}}`),
		want: answerPart("HTTP/1.1 200 OK\nContent-Type: application/json\n\n" + `{"@odata.context":"<L>/$metadata` + organizationContext + `","Detail":{"Endpoints":[{"value":"<L>/"}]}}`),
	},
	{name: "compressed body", in: answerPart("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Encoding: gzip\n\n" + `{"@odata.id":"<R>/x"}`)},
	{name: "encoded part", in: "--batch_1\nContent-Type: application/http\nContent-Transfer-Encoding: base64\n\nHTTP/1.1 200 OK\nLocation: <R>/x\n\n--batch_1--"},
	{name: "no type", in: answerPart("HTTP/1.1 200 OK\n\n" + `{"@odata.id":"<R>/x"}`)},
	{name: "unknown part", in: "--batch_1\nContent-Type: text/plain\n\nLocation: <R>/x\n--batch_1--"},
	{name: "request line in an answer", in: answerPart("GET <R>/x HTTP/1.1\nLocation: <R>/x\n\n")},
	{
		name: "JSON as a part",
		in:   "--batch_1\nContent-Type: application/json\n\n{\"@odata.id\":\"<R>/x\"}\n--batch_1--",
		want: "--batch_1\nContent-Type: application/json\n\n{\"@odata.id\":\"<L>/x\"}\n--batch_1--",
	},
	{name: "preamble and epilogue", in: "Location: <R>/x\n{\"@odata.id\":\"<R>/x\"}\n--batch_1--\nLocation: <R>/x\n--batch_1\nContent-Type: application/json\n\n{\"@odata.id\":\"<R>/x\"}"},
	{
		name: "white space after a delimiter",
		in:   "--batch_1 \t\nContent-Type: application/json\n\n{\"@odata.id\":\"<R>/x\"}\n--batch_1-- \n{\"@odata.id\":\"<R>/x\"}",
		want: "--batch_1 \t\nContent-Type: application/json\n\n{\"@odata.id\":\"<L>/x\"}\n--batch_1-- \n{\"@odata.id\":\"<R>/x\"}",
	},
	{
		name: "what only begins like a delimiter",
		in:   answerPart("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{\n--batch_12\n--batch_1-x\n--batch\n-\"@odata.id\":\n\"<R>/x\"}"),
		want: answerPart("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{\n--batch_12\n--batch_1-x\n--batch\n-\"@odata.id\":\n\"<L>/x\"}"),
	},
	{
		name: "inner multipart without an end",
		in:   "--batch_1\nContent-Type: multipart/mixed;boundary=\"c 2\"\n\n--c 2\nContent-Type: application/http\n\nHTTP/1.1 204 No Content\nLocation: <R>/x\n--batch_1\nContent-Type: application/json\n\n{\"@odata.id\":\"<R>/x\"}",
		want: "--batch_1\nContent-Type: multipart/mixed;boundary=\"c 2\"\n\n--c 2\nContent-Type: application/http\n\nHTTP/1.1 204 No Content\nLocation: <L>/x\n--batch_1\nContent-Type: application/json\n\n{\"@odata.id\":\"<L>/x\"}",
	},
	{
		name: "delimiter of an inner multipart that has ended",
		in:   "--batch_1\nContent-Type: multipart/mixed;boundary=c\n\n--c\n--batch_1\nContent-Type: application/json\n\n{\"@odata.id\"\n--c\n:\"<R>/x\"}{\"@odata.id\":\"<R>/x\"}",
		want: "--batch_1\nContent-Type: multipart/mixed;boundary=c\n\n--c\n--batch_1\nContent-Type: application/json\n\n{\"@odata.id\"\n--c\n:\"<L>/x\"}{\"@odata.id\":\"<L>/x\"}",
	},
	{
		name: "last delimiter in a header",
		in:   "--batch_1\nContent-Type: multipart/mixed;boundary=c\n\n--c\n--c--\n--batch_1\nContent-Type: application/json\n\n{\"@odata.id\":\"<R>/x\"}",
		want: "--batch_1\nContent-Type: multipart/mixed;boundary=c\n\n--c\n--c--\n--batch_1\nContent-Type: application/json\n\n{\"@odata.id\":\"<L>/x\"}",
	},
	{
		name: "each part has its own header",
		in:   "--batch_1\nContent-Type: application/json\nContent-Transfer-Encoding: base64\n\n{\"@odata.id\":\"<R>/x\"}\n--batch_1\nContent-Type: application/json\n\n{\"@odata.id\":\"<R>/x\"}\n--batch_1\n\n{\"@odata.id\":\"<R>/x\"}",
		want: "--batch_1\nContent-Type: application/json\nContent-Transfer-Encoding: base64\n\n{\"@odata.id\":\"<R>/x\"}\n--batch_1\nContent-Type: application/json\n\n{\"@odata.id\":\"<L>/x\"}\n--batch_1\n\n{\"@odata.id\":\"<R>/x\"}",
	},
	{name: "lone delimiter", in: "--batch_1"},
	{name: "cut in a header", in: answerPart("HTTP/1.1 200 OK\nLocation: <R>/x")[:100]},
	{name: "delimiter in a header", in: "--batch_1\n--batch_1\nContent-Type: application/http\n--batch_1--\n<R>"},
	{name: "empty", in: ""},
}

// answerPart is a batch of one message. A message ends with a line break of
// its own, which the delimiter takes.
func answerPart(message string) string {
	return "--batch_1\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n" + message + "\n--batch_1--\n"
}

func TestBatchAnswer(t *testing.T) {
	for _, tt := range batchAnswerTable {
		t.Run(tt.name, func(t *testing.T) {
			checkBatch(t, (*View).Response, tt.in, tt.want)
		})
	}
}

// checkBatch tries a row of a table with bare line feeds and with CRLF.
func checkBatch(t *testing.T, dir direction, in, want string) {
	t.Helper()
	if want == "" {
		want = in
	}
	view := newMapper(t).At("http", "localhost:7080")
	for _, end := range []string{"\n", "\r\n"} {
		in := strings.ReplaceAll(spell(in), "\n", end)
		want := strings.ReplaceAll(spell(want), "\n", end)
		if got := run(t, dir, view, Message{ContentType: batchType}, in); got != want {
			t.Errorf("line end %q:\n  in %q\n got %q\nwant %q", end, in, got, want)
		}
	}
}
