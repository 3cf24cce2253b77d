package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestArchives: what is in an archive does not depend on the order of the files,
// nor on where the clock is.
func TestArchives(t *testing.T) {
	a, b := file{name: "a", data: []byte("A")}, file{name: "dir/b", data: []byte("B"), executable: true}
	made := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for name, format := range map[string]func(string, []file, time.Time) ([]byte, error){"tar.gz": tarGz, "zip": zipped} {
		t.Run(name, func(t *testing.T) {
			one, err := format("top", []file{a, b}, made)
			if err != nil {
				t.Fatal(err)
			}
			two, err := format("top", []file{b, a}, made.In(time.FixedZone("there", 3600)))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(one, two) {
				t.Error("two archives of the same files differ")
			}
		})
	}
	data, err := zipped("top", []file{b, a}, made)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range r.File {
		got = append(got, f.Name+" "+f.Mode().String()+" "+f.Modified.UTC().Format(time.DateTime))
	}
	want := []string{"top/a -rw-r--r-- 2026-02-03 04:05:06", "top/dir/b -rwxr-xr-x 2026-02-03 04:05:06"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("zip (-want +got):\n%s", diff)
	}
}

// checkSBOM looks at the list of a release.
func checkSBOM(t *testing.T, list []byte) {
	var got bom
	d := json.NewDecoder(bytes.NewReader(list))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	of := got.Metadata.Component
	if got.Metadata.Time != "2026-02-03T04:05:06Z" || of.Version != "v1.2.3-rc.1" || len(of.Hashes) != 1 || !slices.Contains(of.Properties, property{"vcs.revision", "0123abc"}) || !slices.Contains(of.Properties, property{"go:GOARCH", "amd64"}) {
		t.Errorf("it is of %+v", got.Metadata)
	}
	if !regexp.MustCompile(`^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(got.Serial) {
		t.Errorf("its number is %s", got.Serial)
	}
	var refs []string
	for _, c := range got.Components {
		refs = append(refs, c.Ref)
		if c.Name != "std" && (c.PURL != "pkg:golang/"+c.Name+"@"+c.Version || len(c.Hashes) != 1 || len(c.Hashes[0].Content) != 64) {
			t.Errorf("%s is %+v", c.Name, c)
		}
	}
	for _, name := range []string{"std@", "github.com/spf13/cobra@", "github.com/prometheus/client_golang@"} {
		if !slices.ContainsFunc(refs, func(ref string) bool { return strings.HasPrefix(ref, "pkg:golang/"+name) }) {
			t.Errorf("%s is not among %v", name, refs)
		}
	}
	if !slices.Equal(got.Dependencies[0].On, refs) {
		t.Errorf("it depends on %v, and lists %v", got.Dependencies[0].On, refs)
	}
}

func TestLibrary(t *testing.T) {
	got := library(&debug.Module{Path: "example.com/m", Version: "v1.0.0+incompatible", Sum: "h1:" + strings.Repeat("A", 43) + "="})
	want := component{
		Ref: "pkg:golang/example.com/m@v1.0.0%2Bincompatible", Type: "library", Name: "example.com/m", Version: "v1.0.0+incompatible",
		PURL: "pkg:golang/example.com/m@v1.0.0%2Bincompatible", Hashes: []hash{{"SHA-256", strings.Repeat("0", 64)}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("library (-want +got):\n%s", diff)
	}
}

// TestNotices: the licences that count for a package are those in its folder
// and above it, and a module without one is refused.
func TestNotices(t *testing.T) {
	top := t.TempDir()
	for name, text := range map[string]string{
		"LICENSE": "of all", "NOTICE.txt": "note", "README.md": "no", "license.go": "no", "in/LICENCE": "of in", "in/side/x.go": "no", "other/COPYING": "no",
	} {
		name = filepath.Join(top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]string{}
	if err := collect(top, filepath.Join(top, "in", "side"), got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"LICENSE": "of all", "NOTICE.txt": "note", "in/LICENCE": "of in"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("collect (-want +got):\n%s", diff)
	}
	if _, err := write(map[string]map[string]string{"example.com/m v1": {"": t.TempDir()}}); err == nil || !strings.Contains(err.Error(), "example.com/m v1 has no licence") {
		t.Errorf("a module without a licence: %v", err)
	}
}

// TestMissing: a source without the unit makes no release, and says why.
func TestMissing(t *testing.T) {
	r := release{source: t.TempDir()}
	for _, name := range []string{"README.md", "SECURITY.md", "CHANGELOG.md", "docs/a.md"} {
		name = filepath.Join(r.source, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.own(); err == nil || !strings.Contains(err.Error(), "no systemd unit to pack: ") {
		t.Errorf("own: %v", err)
	}
	r.out = filepath.Join(t.TempDir(), "dist")
	if err := r.make(t.Context(), io.Discard); err == nil {
		t.Error("make of a folder without a program succeeds")
	}
}
