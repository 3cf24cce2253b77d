package simulator

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

func TestFileColumns(t *testing.T) {
	b := newBench(t, Options{})
	id := b.data("POST", accounts, `{"name":"x"}`).id(t)
	column := accounts + "(" + id + ")/sample_filecolumn"
	for _, size := range []int{0, 1000, DefaultKeptFile, DefaultKeptFile + 1} {
		content := strings.Repeat("é", size/2) + strings.Repeat("x", size%2)
		sum := sha256.Sum256([]byte(content))
		b.data("PATCH", column, content, "Content-Type: application/octet-stream", "x-ms-file-name: a b.txt").want(t, 204, "")
		want := StoredFile{"a b.txt", int64(size), hex.EncodeToString(sum[:])}
		if got, ok := b.File("accounts", id, "sample_filecolumn"); !ok || got != want {
			t.Errorf("stored %+v, want %+v", got, want)
		}
		a := b.data("GET", column+"/$value", "")
		if size > DefaultKeptFile {
			content = strings.Repeat("\x00", size)
		}
		if a.status != 200 || a.body != content || a.header.Get("x-ms-file-name") != "a b.txt" {
			t.Errorf("download of %d: %d, %d bytes, %v", size, a.status, len(a.body), a.err)
		}
	}
	b.data("PATCH", column, "x").want(t, 400, "0x80048d19")
	b.data("DELETE", column, "").want(t, 204, "")
	b.data("GET", column+"/$value", "").want(t, 404, "0x80060888")
	b.data("PATCH", accounts+"(00000000-0000-0000-0000-000000000001)/f", "x", "x-ms-file-name: f").want(t, 404, "0x80040217")
}
