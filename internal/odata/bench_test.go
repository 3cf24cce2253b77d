package odata

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

const (
	minimalType = "application/json; odata.metadata=minimal; odata.streaming=true"
	fullType    = "application/json; odata.metadata=full; odata.streaming=true"
	plainType   = "application/json;charset=utf-8"
)

const remote = "https://contoso.crm.dynamics.com"

// page is an answer of 5,000 records and about 5 MB with one nextLink; with
// full, it has the links that full metadata adds to each record.
func page(full bool) []byte {
	var b bytes.Buffer
	const api = remote + "/api/data/v9.2/"
	b.WriteString(`{"@odata.context":"` + api + `$metadata#accounts","value":[`)
	for i := range 5000 {
		if i > 0 {
			b.WriteByte(',')
		}
		id := fmt.Sprintf("%08x-d01c-ed11-b83e-000d3a572421", i)
		b.WriteByte('{')
		if full {
			self := api + "accounts(" + id + ")"
			fmt.Fprintf(&b, `"@odata.type":"#Microsoft.Dynamics.CRM.account","@odata.id":"%s","@odata.editLink":"%s",`, self, self)
			fmt.Fprintf(&b, `"primarycontactid@odata.associationLink":"%[1]s/primarycontactid/$ref","primarycontactid@odata.navigationLink":"%[1]s/primarycontactid",`, self)
		}
		fmt.Fprintf(&b, `"@odata.etag":"W/\"%d\"","accountid":"%s","name":"Account number %d of Contoso","revenue":%d.5,`, 73921464+i, id, i, i*17)
		fmt.Fprintf(&b, `"statuscode@OData.Community.Display.V1.FormattedValue":"Active","statuscode":1,"createdon":"2024-01-07T21:10:42Z",`)
		fmt.Fprintf(&b, `"_ownerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty":"ownerid","_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"systemuser","_ownerid_value":"22cc22cc-dd33-ee44-ff55-66aa66aa66aa",`)
		fmt.Fprintf(&b, `"address1_composite":"%d Main Street\r\nSuite 4/5\r\nRedmond, WA 98052","websiteurl":"http://www.example.com/%d","emailaddress1":"someone%d@example.com",`, i, i, i)
		fmt.Fprintf(&b, `"description":"%s","telephone1":"+1 425 555 %04d","donotphone":false,"creditlimit":null}`, words, i)
	}
	b.WriteString(`],"@odata.nextLink":"` + api + `accounts?$select=name&$skiptoken=%3Ccookie%20pagenumber=%222%22%20/%3E"}`)
	return b.Bytes()
}

const words = "A customer since the nineties, with two sites and a fleet of its own. Calls in the morning, pays on time, and asks each year for the same discount. " +
	"Ask for the manager of the warehouse when something is late, never for the driver; parcels over 30 kg go to the back door, on weekdays before noon."

func newMapper(tb testing.TB) *Mapper {
	tb.Helper()
	m, err := New(Origins{
		Remote: []string{remote, "https://contoso.api.crm.dynamics.com"},
		Local:  []string{"http://localhost:7080", "http://127.0.0.1:7080", "http://[::1]:7080"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// BenchmarkPage reads a page through a stream, and beside it without one.
func BenchmarkPage(b *testing.B) {
	view := newMapper(b).At("http", "localhost:7080")
	inBatch := []byte("--batch_1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
	for _, bench := range []struct {
		name, contentType string
		in                []byte
	}{
		{"minimal", minimalType, page(false)},
		{"full", fullType, page(true)},
		{"minimal_walked", plainType, page(false)},
		{"full_walked", plainType, page(true)},
		{"minimal_in_batch", batchType, append(inBatch, page(false)...)},
	} {
		buf := make([]byte, 32<<10)
		run := func(name string, reader func(io.Reader) io.Reader) {
			b.Run(bench.name+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(len(bench.in)))
				b.ReportAllocs()
				for b.Loop() {
					copyAll(buf, reader(bytes.NewReader(bench.in)))
				}
			})
		}
		run("copy", func(r io.Reader) io.Reader { return r })
		run("map", func(r io.Reader) io.Reader {
			return view.Response(Message{ContentType: bench.contentType}).Reader(r)
		})
	}
}

// BenchmarkAppend maps one chunk after the other: the steady state of a stream.
func BenchmarkAppend(b *testing.B) {
	view := newMapper(b).At("http", "localhost:7080")
	in := page(true)[:32<<10]
	for name, contentType := range map[string]string{"lookback": fullType, "walker": plainType} {
		b.Run(name, func(b *testing.B) {
			s := view.Response(Message{ContentType: contentType})
			dst := make([]byte, 0, 64<<10)
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				dst = s.Append(dst[:0], in)
			}
		})
	}
}

func copyAll(buf []byte, r io.Reader) {
	io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf)
}
