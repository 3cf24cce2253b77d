package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

const column = accounts + one + "/sample_filecolumn"

// begin starts an upload and returns where its blocks go.
func (b *bench) begin() string {
	b.t.Helper()
	a := b.data("PATCH", column+"?x-ms-file-name=25mb.pdf", "", "x-ms-transfer-mode: chunked")
	at := a.header.Get("Location")
	if a.status != 200 || a.body != "" || !strings.HasPrefix(at, b.DataverseURL+column+"?sessiontoken=") {
		b.t.Fatalf("%d %q %s", a.status, at, a.body)
	}
	return strings.TrimPrefix(at, b.DataverseURL)
}

func newFileBench(t *testing.T) *bench {
	b := newBench(t, Options{ChunkSize: 10})
	b.data("PATCH", accounts+one, `{"name":"x"}`).want(t, 204, "")
	b.ResetStats()
	return b
}

func contentRange(first, last, total int) string {
	return fmt.Sprintf("Content-Range: bytes %d-%d/%d", first, last, total)
}

func TestUploadInBlocksOnTheWire(t *testing.T) {
	b := newFileBench(t)
	head := rawExchange(t, b.DataverseURL, "PATCH "+column+"?x-ms-file-name=25mb.pdf HTTP/1.1\r\nHost: "+strings.TrimPrefix(b.DataverseURL, "http://")+
		"\r\nAuthorization: Bearer "+b.token+"\r\nx-ms-transfer-mode: chunked\r\nContent-Length: 0\r\n\r\n")
	for _, want := range []string{
		"HTTP/1.1 200 OK\r\n", "\r\nAccept-Ranges: bytes\r\n", "\r\nLocation: " + b.DataverseURL + column + "?sessiontoken=", "%2f", "%3d%3d\r\n",
		"\r\nOData-Version: 4.0\r\n", "\r\nx-ms-chunk-size: 10\r\n", "\r\nAccess-Control-Expose-Headers: x-ms-chunk-size\r\n",
	} {
		if !strings.Contains(head, want) {
			t.Errorf("no %q in\n%s", want, head)
		}
	}
}

func TestUploadAndDownloadInBlocks(t *testing.T) {
	for _, content := range []string{"0123456789abcdefghijXYZ", "0123456789abcdefghij", "0"} {
		b := newFileBench(t)
		at := b.begin()
		for first := 0; first < len(content); first += 10 {
			last := min(first+10, len(content)) - 1
			status := 206
			if last == len(content)-1 {
				status = 204
			}
			if _, ok := b.File("accounts", one[1:37], "sample_filecolumn"); ok {
				t.Error("there is a file before its last block")
			}
			b.data("PATCH", at, content[first:last+1], contentRange(first, last, len(content)), "x-ms-file-name: ignored").want(t, status, "")
		}
		sum := sha256.Sum256([]byte(content))
		if got, _ := b.File("accounts", one[1:37], "sample_filecolumn"); got != (StoredFile{"25mb.pdf", int64(len(content)), hex.EncodeToString(sum[:])}) {
			t.Errorf("stored %+v", got)
		}
		if got := b.Stats().Executed; got != 1 {
			t.Errorf("executed %d", got)
		}
		got := ""
		for first := 0; first < len(content); first += 10 {
			a := b.data("GET", column+"/$value", "", "Range: bytes="+strconv.Itoa(first)+"-"+strconv.Itoa(first+9))
			if a.status != 206 || a.header.Get("x-ms-chunk-size") != "10" || a.header.Get("Content-Range") != "" || a.header.Get("x-ms-file-size") != strconv.Itoa(len(content)) {
				t.Errorf("%d %v", a.status, a.header)
			}
			got += a.body
		}
		if got != content {
			t.Errorf("downloaded %q", got)
		}
	}
}

func TestBlocksThatAreRefused(t *testing.T) {
	b := newFileBench(t)
	at := b.begin()
	const first = "0123456789"
	b.data("PATCH", at, first, contentRange(0, 9, 25)).want(t, 206, "")
	for _, tt := range []struct {
		name, at, block, header string
		status                  int
	}{
		{"again", at, first, contentRange(0, 9, 25), 416},
		{"a gap", at, "01234", contentRange(20, 24, 25), 416},
		{"shorter than its range", at, "0123", contentRange(10, 19, 25), 400},
		{"longer than its range", at, first, contentRange(10, 14, 25), 400},
		{"another total", at, first, contentRange(10, 19, 26), 400},
		{"beyond the total", at, first, contentRange(20, 29, 25), 400},
		{"too small", at, "01234", contentRange(10, 14, 25), 400},
		{"too large", at, first + "0", contentRange(10, 20, 25), 400},
		{"no range", at, first, "X-None: 1", 400},
		{"malformed", at, first, "Content-Range: bytes 10-19/25x", 400},
		{"without a total", at, first, "Content-Range: bytes 10-19/*", 400},
		{"unknown session", column + "?sessiontoken=abc", first, contentRange(10, 19, 25), 404},
		{"decoded token", strings.ReplaceAll(at, "%2b", "+"), first, contentRange(10, 19, 25), 404},
		{"escapes in upper case", strings.ReplaceAll(at, "%2b", "%2B"), first, contentRange(10, 19, 25), 404},
		{"another column", strings.Replace(at, "sample_filecolumn", "other", 1), first, contentRange(10, 19, 25), 404},
	} {
		if a := b.data("PATCH", tt.at, tt.block, tt.header); a.status != tt.status || a.errorCode() != codeFile {
			t.Errorf("%s: %d %s", tt.name, a.status, a.body)
		}
	}
	b.data("PATCH", column, "", "x-ms-transfer-mode: chunked").want(t, 400, codeFile)
	b.data("PATCH", accounts+nobody+"/f?x-ms-file-name=x", "", "x-ms-transfer-mode: chunked").want(t, 404, "0x80040217")
	if got := b.Stats().Executed; got != 0 {
		t.Errorf("executed %d", got)
	}
	b.data("PATCH", at, first, contentRange(10, 19, 25)).want(t, 206, "")
	b.data("PATCH", at, "01234", contentRange(20, 24, 25)).want(t, 204, "")
	b.data("PATCH", at, "01234", contentRange(20, 24, 25)).want(t, 416, codeFile)
}

func TestRanges(t *testing.T) {
	b := newFileBench(t)
	b.data("PATCH", column, "0123456789", "x-ms-file-name: f.txt").want(t, 204, "")
	for _, tt := range []struct {
		header, want string
		status       int
	}{
		{"", "0123456789", 200},
		{"bytes=0-3", "0123", 206},
		{"bytes=4-", "456789", 206},
		{"bytes=-2", "89", 206},
		{"bytes=8-99", "89", 206},
		{"bytes=3-2", "0123456789", 200},
		{"bytes=0-1,4-5", "0123456789", 200},
		{"bytes=x-1", "0123456789", 200},
		{"lines=0-1", "0123456789", 200},
		{"bytes=10-19", "", 416},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := b.data(method, column+"/$value", "", "Range: "+tt.header, "Accept-Encoding: gzip")
			want := tt.want
			if method == "HEAD" {
				want = ""
			}
			if a.status != tt.status || tt.status < 400 && (a.body != want || a.header.Get("Content-Length") != strconv.Itoa(len(tt.want))) || a.header.Get("Content-Encoding") != "" {
				t.Errorf("%s %q: %d %q %v", method, tt.header, a.status, a.body, a.header)
			}
		}
	}
}

// A client that asks for the column, not for its $value, gets JSON.
func TestFileAsJSON(t *testing.T) {
	b := newFileBench(t)
	const content = "0123456789"
	b.data("PATCH", column, content, "x-ms-file-name: f.txt").want(t, 204, "")
	whole := b.data("GET", column, "", "Accept-Encoding: gzip")
	if got := whole.members(t)["value"]; whole.status != 200 || got != base64.StdEncoding.EncodeToString([]byte(content)) || whole.header.Get("Location") != "" {
		t.Errorf("%d %s %v", whole.status, whole.body, whole.header)
	}
	a := b.data("GET", column+"?size=full", "", "Range: bytes=0-3")
	at := a.header.Get("Location")
	if a.status != 206 || a.members(t)["value"] != "MDEyMw==" || a.header.Get("Content-Disposition") != `attachment; filename="f.txt"` || !strings.HasPrefix(at, b.DataverseURL+column+"?FileContinuationToken=") {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	next := strings.TrimPrefix(at, b.DataverseURL)
	if a := b.data("GET", next, "", "Range: bytes=4-9"); a.members(t)["value"] != "NDU2Nzg5" {
		t.Errorf("%d %s", a.status, a.body)
	}
	b.data("GET", strings.Replace(next, "%2b", "%2B", 1), "", "Range: bytes=4-9").want(t, 400, codeFile)
}
