package simulator

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sent is an answer as it came, nothing unpacked.
type sent struct {
	status int
	length int64 // -1 for chunks
	header http.Header
	body   []byte
	err    error
}

func (b *bench) raw(target string, headers ...string) sent {
	b.t.Helper()
	r, err := http.NewRequest("GET", b.DataverseURL+target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+b.token)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	resp, err := client.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return sent{resp.StatusCode, resp.ContentLength, resp.Header, body, err}
}

func (s sent) unzip() (string, error) {
	zr, err := gzip.NewReader(bytes.NewReader(s.body))
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(zr)
	return string(text), err
}

func TestBodyFaults(t *testing.T) {
	const zip, plain = "Accept-Encoding: gzip", "Accept-Encoding: identity"
	for _, tt := range []struct {
		name    string
		fault   Fault
		accept  string
		chunked bool
		broken  bool  // the end of the HTTP body
		unzip   error // nil if the body is right
		bytes   int   // 0: all of them
	}{
		{"corrupt gzip", Fault{Kind: FaultCorruptGzip}, zip, false, false, gzip.ErrChecksum, 0},
		{"truncated gzip, clean end", Fault{Kind: FaultTruncateGzip}, zip, false, false, io.ErrUnexpectedEOF, -1},
		{"truncated gzip after 20 bytes", Fault{Kind: FaultTruncateGzip, Bytes: 20}, zip, false, false, io.ErrUnexpectedEOF, 20},
		{"truncated gzip, broken end", Fault{Kind: FaultTruncate, Bytes: 30}, zip, false, true, io.ErrUnexpectedEOF, 30},
		{"truncated gzip in chunks", Fault{Kind: FaultTruncateChunks, Bytes: 30}, zip, true, true, io.ErrUnexpectedEOF, 30},
		{"declared length cut short", Fault{Kind: FaultTruncate, Bytes: 500}, plain, false, true, nil, 500},
		{"chunks cut short", Fault{Kind: FaultTruncateChunks, Bytes: 500}, plain, true, true, nil, 500},
		{"trickle", Fault{Kind: FaultTrickle, Bytes: 500, Interval: time.Microsecond}, plain, true, false, nil, 0},
		{"trickling gzip", Fault{Kind: FaultTrickle, Bytes: 10, Interval: time.Microsecond}, zip, true, false, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, Options{})
			b.data("POST", accounts, `{"name":"`+strings.Repeat("abcdefghij", 300)+`"}`).want(t, 204, "")
			usual := b.raw(accounts, tt.accept)
			if err := b.FailDataverse(tt.fault); err != nil {
				t.Fatal(err)
			}
			got := b.raw(accounts, tt.accept)
			if got.status != 200 || got.header.Get("ETag") != usual.header.Get("ETag") || got.header.Get("Vary") != "Accept-Encoding" ||
				got.header.Get("Content-Encoding") != usual.header.Get("Content-Encoding") || (got.length < 0) != tt.chunked || (got.err != nil) != tt.broken {
				t.Errorf("%d, length %d, %v, %v", got.status, got.length, got.err, got.header)
			}
			if want := strconv.Itoa(len(got.body)); !tt.broken && !tt.chunked && got.header.Get("Content-Length") != want {
				t.Errorf("Content-Length %s of %s bytes", got.header.Get("Content-Length"), want)
			}
			if tt.bytes > 0 && len(got.body) != tt.bytes || tt.bytes == 0 && len(got.body) != len(usual.body) {
				t.Errorf("%d bytes of %d", len(got.body), len(usual.body))
			}
			if tt.accept == plain {
				if !bytes.HasPrefix(usual.body, got.body) {
					t.Error("other bytes than usual")
				}
				return
			}
			_, err := got.unzip()
			// What is corrupt may be found out before the checksum.
			if tt.unzip == nil && err != nil || tt.unzip != nil && err == nil || errors.Is(tt.unzip, io.ErrUnexpectedEOF) && !errors.Is(err, tt.unzip) {
				t.Errorf("unpacked with %v, want %v", err, tt.unzip)
			}
		})
	}
}

// Without gzip there is nothing to corrupt; a short answer is compressed for it.
func TestGzipFaultsNeedAClientThatAcceptsIt(t *testing.T) {
	b := newBench(t, Options{})
	if err := b.FailDataverse(Fault{Kind: FaultCorruptGzip, Count: 1}); err != nil {
		t.Fatal(err)
	}
	if got := b.raw("/api/data/v9.2/WhoAmI", "Accept-Encoding: identity"); got.err != nil || got.body[0] != '{' {
		t.Errorf("%q %v", got.body, got.err)
	}
	got := b.raw("/api/data/v9.2/WhoAmI", "Accept-Encoding: gzip")
	if _, err := got.unzip(); err == nil || got.header.Get("Content-Encoding") != "gzip" {
		t.Errorf("%v %v", err, got.header)
	}
	if faults := b.Stats().Faults; faults["corrupt_gzip"] != 1 {
		t.Errorf("faults %v", faults)
	}
}

func TestTrickleComesInPieces(t *testing.T) {
	b := newBench(t, Options{})
	if a := b.control(`POST /faults/dataverse {"kind":"trickle","bytes":100,"interval":"1h"}`); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	r, _ := http.NewRequest("GET", b.DataverseURL+"/api/data/v9.2/WhoAmI", nil)
	r.Header.Set("Authorization", "Bearer "+b.token)
	resp, err := client.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	piece := make([]byte, 1000)
	n, err := io.ReadFull(resp.Body, piece[:100])
	if n != 100 || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	b.ClearDataverseFaults() // the rest comes at once
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !strings.HasSuffix(string(rest), "}") {
		t.Errorf("%q %v", rest, err)
	}
}

// The ETag of a record is the same compressed or not, and is honoured.
func TestETagOfCompressedRecords(t *testing.T) {
	b := newBench(t, Options{})
	b.data("PATCH", accounts+one, `{"name":"`+strings.Repeat("abcdefghij", 300)+`"}`).want(t, 204, "")
	plain, zipped := b.raw(accounts+one), b.raw(accounts+one, "Accept-Encoding: gzip")
	etag := plain.header.Get("ETag")
	if text, err := zipped.unzip(); err != nil || text != string(plain.body) || zipped.header.Get("ETag") != etag || etag == "" {
		t.Errorf("%v %v", err, zipped.header)
	}
	got := b.raw(accounts+one, "Accept-Encoding: gzip", "If-None-Match: "+etag)
	if got.status != 304 || len(got.body) != 0 || got.header.Get("ETag") != etag || got.header.Get("Content-Encoding") != "" || got.header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%d %q %v", got.status, got.body, got.header)
	}
}
