package forward

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"dvproxy/internal/odata"
)

// A page of 400 kB that upstream sends in a few: B/op is what an answer takes of
// memory, and what counts where many come at once.
func BenchmarkShortAnswerOfAPage(b *testing.B) {
	const remote = "https://contoso.crm.dynamics.com"
	m, err := odata.New(odata.Origins{Remote: []string{remote}, Local: []string{"http://localhost:7080"}})
	if err != nil {
		b.Fatal(err)
	}
	var coded bytes.Buffer
	z := gzip.NewWriter(&coded)
	_, _ = io.WriteString(z, `{"value":[`+strings.Repeat(`{"@odata.id":"`+remote+`/api/data/v9.2/accounts(00000000-0000-0000-0000-000000000001)"},`, 4000)+`{}]}`)
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	t := &translate{}
	x := &exchange{links: m.At("http", "localhost:7080"), target: "/api/data/v9.2/accounts"}
	b.ReportAllocs()
	for b.Loop() {
		resp := &http.Response{
			StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(coded.Bytes())), ContentLength: int64(coded.Len()),
			Header: http.Header{"Content-Type": {"application/json; odata.metadata=minimal"}, "Content-Encoding": {"gzip"}, "Content-Length": {strconv.Itoa(coded.Len())}},
		}
		if err := t.answer(resp, x); err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, resp.Body); n != resp.ContentLength || err != nil {
			b.Fatal(n, resp.ContentLength, err)
		}
		_ = resp.Body.Close()
	}
}
