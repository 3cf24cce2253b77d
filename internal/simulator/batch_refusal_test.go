package simulator

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

func TestOperationsThatAreRefused(t *testing.T) {
	b := newBench(t, Options{})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(b.DataverseURL, "http://"))
	get := func(target, headers string) string { return alone("GET " + target + " HTTP/1.1\n" + headers + "\n\n") }
	for _, tt := range []struct{ name, body, want string }{
		{"GET in a change set", together("GET /api/data/v9.2/accounts HTTP/1.1"), "400 Bad Request"},
		{"a batch in a batch", alone(request("POST /api/data/v9.2/$batch", "")), "400 Bad Request"},
		{"a batch in a change set", together(request("POST $batch", "")), "400 Bad Request"},
		{"unknown Content-ID in the line", together(request("PATCH $7", "{}")), "Content-ID Reference: '$7' does not exist in the batch context."},
		{"unknown Content-ID in the body", together(request("POST /api/data/v9.2/phonecalls", `{"regardingobjectid_account_phonecall@odata.bind" : "$1"}`), request("POST /api/data/v9.2/accounts", "{}")), "Content-ID Reference: '$1' does not exist in the batch context."},
		{"Content-ID of an earlier change set", together(request("POST /api/data/v9.2/accounts", "{}")) + alone(request("PATCH $1", "{}")), "Content-ID Reference: '$1' does not exist"},
		{"foreign origin", get("http://localhost:7080/api/data/v9.2/accounts", ""), "http://localhost:7080/api/data/v9.2/accounts is not of this environment."},
		{"another name of this machine", get("http://localhost:"+port+"/api/data/v9.2/accounts", ""), "is not of this environment."},
		{"foreign Host", get("/api/data/v9.2/accounts", "Host: localhost:7080"), "localhost:7080 is not of this environment."},
		{"path before a URL", get("/api/data/v9.2/http://org/api/data/v9.2/accounts", ""), "404 Not Found"},
		{"doubled origin", get("<O><O>/api/data/v9.2/accounts", ""), "404 Not Found"},
		{"origin within the path", get("<O>/<O>/api/data/v9.2/accounts", ""), "404 Not Found"},
		{"foreign reference", alone(request("POST accounts", `{"a@odata.bind":"http://localhost:7080/api/data/v9.2/accounts(00000000-0000-0000-0000-000000000001)"}`)), "is not a URL of this environment"},
		{"URL too long", get("/api/data/v9.2/accounts?$filter="+strings.Repeat("x", 64<<10), ""), "longer than 65536 characters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a, got := b.sendBatch(tt.body + batchEnd); a.status != 400 || !strings.HasPrefix(got, "--batchresponse_") || !strings.Contains(got, strings.ReplaceAll(tt.want, b.DataverseURL, "<O>")) {
				t.Errorf("%d %s", a.status, got)
			}
		})
	}
	if got := b.Stats(); got.Executed != 1 { // the change set whose Content-ID was used too late
		t.Errorf("executed %d", got.Executed)
	}
	own := get("<O>/api/data/v9.2/accounts", "Host: "+strings.TrimPrefix(b.DataverseURL, "http://"))
	long := get("/api/data/v9.2/accounts?x="+strings.Repeat("x", 64<<10-26), "")
	if a, got := b.sendBatch(own + long + batchEnd); a.status != 200 {
		t.Errorf("%d %s", a.status, got)
	}
}

func TestBatchesThatCannotBeRead(t *testing.T) {
	b := newBench(t, Options{})
	create := request("POST /api/data/v9.2/accounts", `{"name":"a"}`)
	length := func(n string) string { return strings.Replace(create, "\n\n", "\nContent-Length: "+n+"\n\n", 1) }
	for name, body := range map[string]string{
		"no last delimiter":          alone(create),
		"nothing":                    "",
		"no parts":                   batchEnd,
		"no request line":            alone("accounts"),
		"no target":                  alone("GET  HTTP/1.1"),
		"no protocol":                alone("GET /api/data/v9.2/accounts"),
		"header without a colon":     alone("GET /api/data/v9.2/accounts HTTP/1.1\nAccept\n\n"),
		"another type of part":       "--batch_1\nContent-Type: application/json\n\n{}\n",
		"an encoding":                "--batch_1\nContent-Type: application/http\nContent-Transfer-Encoding: base64\n\n" + create + "\n",
		"length too small":           alone(length("11")),
		"length too large":           alone(length("20")),
		"length of a part too large": strings.Replace(alone(create), "binary", "binary\nContent-Length: 999", 1),
		"length of a part too small": strings.Replace(alone(create), "binary", "binary\nContent-Length: 30", 1),
		"change set in a change set": "--batch_1\nContent-Type: multipart/mixed;boundary=c\n\n--c\nContent-Type: multipart/mixed;boundary=d\n\n--d\n--d--\n--c--\n",
		"empty change set":           "--batch_1\nContent-Type: multipart/mixed;boundary=c\n\n--c--\n",
		"too many":                   strings.Repeat(alone(create), 1001),
		"too many in all":            strings.Repeat(alone(create), 500) + together(slice(create, 501)...),
	} {
		if name != "no last delimiter" {
			body += batchEnd
		}
		if a, got := b.sendBatch(body); a.status != 400 || a.errorCode() != codeBatch {
			t.Errorf("%s: %d %.300s", name, a.status, got)
		}
	}
	for _, contentType := range []string{"application/json", "multipart/mixed", "multipart/mixed; boundary=", "multipart/form-data; boundary=batch_1"} {
		b.data("POST", "/api/data/v9.2/$batch", alone(create)+batchEnd, "Content-Type: "+contentType).want(t, 400, codeBatch)
	}
	if got := b.Stats(); got.Executed != 0 {
		t.Errorf("executed %d", got.Executed)
	}
	whole := strconv.Itoa(len(strings.ReplaceAll(create, "\n", "\r\n")))
	right := alone(length("12")) + alone(length("12")+"\n\n") + strings.Replace(alone(create), "binary", "binary\nContent-Length: "+whole, 1)
	if a, got := b.sendBatch(right + batchEnd); a.status != 200 {
		t.Errorf("right lengths: %d %s", a.status, got)
	}
	if a, _ := b.sendBatch(strings.Repeat(alone(create), 1000) + batchEnd); a.status != 200 || b.Stats().Rows["accounts"] < 1000 {
		t.Errorf("a thousand: %d", a.status)
	}
	b.data("GET", "/api/data/v9.2/$batch", "").want(t, 405, "0x80060888")
}

func slice(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}
