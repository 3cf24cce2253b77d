package credential_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"dvproxy/internal/credential"
)

// What is derived hangs on the key, and on nothing else of the file.
func TestDerive(t *testing.T) {
	derive := func(file, password, purpose string) []byte {
		t.Helper()
		data, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		c, err := credential.ParseCertificate(data, password)
		if err != nil {
			t.Fatal(err)
		}
		key, err := c.Derive(purpose)
		if err != nil || len(key) != 32 {
			t.Fatalf("%d bytes, %v", len(key), err)
		}
		return key
	}
	want := derive("modern.pfx", "open-sesame", "a")
	if !bytes.Equal(want, derive("legacy.pfx", "open-sesame", "a")) {
		t.Error("the same key in another file gives other bytes")
	}
	if bytes.Equal(want, derive("modern.pfx", "open-sesame", "b")) {
		t.Error("another purpose gives the same bytes")
	}
}
