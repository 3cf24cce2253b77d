package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTwice makes a release of one platform from two copies of the source, in
// folders that have nothing in common: their files are the same to the byte, and
// what is in them is what docs/release.md says. All platforms are
// deploy/packages/twice.sh's.
func TestTwice(t *testing.T) {
	nfpm := buildNFPM(t)
	made := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	var dirs []string
	for _, place := range []string{"one", "a/longer/way/to two"} {
		root := filepath.Join(t.TempDir(), filepath.FromSlash(place))
		copySource(t, root)
		r := release{
			source: root, out: filepath.Join(t.TempDir(), "dist"), nfpm: nfpm,
			version: "v1.2.3-rc.1", revision: "0123abc", time: made, platforms: []platform{{"linux", "amd64"}},
		}
		if err := r.make(t.Context(), io.Discard); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, r.out)
	}
	first, second := folder(t, dirs[0]), folder(t, dirs[1])
	for _, name := range slices.Sorted(maps.Keys(first)) {
		if !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s: two builds of one source differ", name)
		}
	}
	want := []string{
		"SHA256SUMS", "dvproxy-1.2.3~rc.1-1.x86_64.rpm", "dvproxy_1.2.3-rc.1_linux_amd64.cdx.json",
		"dvproxy_1.2.3-rc.1_linux_amd64.tar.gz", "dvproxy_1.2.3~rc.1_amd64.deb",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(first))); diff != "" {
		t.Fatalf("files (-want +got):\n%s", diff)
	}
	t.Run("sums", func(t *testing.T) { checkSums(t, first) })
	t.Run("archive", func(t *testing.T) { checkArchive(t, first[want[3]], made) })
	t.Run("sbom", func(t *testing.T) { checkSBOM(t, first[want[2]]) })
	t.Run("deb", func(t *testing.T) { checkDeb(t, first[want[4]], made) })
	t.Run("not twice into one folder", func(t *testing.T) {
		r := release{out: dirs[0]}
		if err := r.make(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "is not empty") {
			t.Errorf("make into a folder that has a release: %v", err)
		}
	})
}

func checkSums(t *testing.T, files map[string][]byte) {
	var want strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name != "SHA256SUMS" {
			fmt.Fprintf(&want, "%x  %s\n", sha256.Sum256(files[name]), name)
		}
	}
	if diff := cmp.Diff(want.String(), string(files["SHA256SUMS"])); diff != "" {
		t.Errorf("SHA256SUMS (-want +got):\n%s", diff)
	}
}

// checkArchive looks at the archive of Linux, and runs the program in it where
// that can be.
func checkArchive(t *testing.T, data []byte, made time.Time) {
	entries := untar(t, gunzip(t, data))
	top := "dvproxy_1.2.3-rc.1_linux_amd64/"
	for _, name := range []string{
		"dvproxy", "README.md", "CHANGELOG.md", "SECURITY.md", "THIRD-PARTY-NOTICES.txt", "dvproxy.example.yaml", "docs/configuration.md",
		"man/dvproxy.1", "man/dvproxy-run.1", "completion/dvproxy.bash", "completion/_dvproxy", "completion/dvproxy.fish", "systemd/dvproxy.service",
	} {
		e, ok := entries[top+name]
		if !ok || len(e.data) == 0 {
			t.Errorf("%s is missing or empty", name)
			continue
		}
		mode := int64(0o644)
		if name == "dvproxy" {
			mode = 0o755
		}
		if e.Mode != mode || e.Uid != 0 || e.Gid != 0 || !e.ModTime.Equal(made) {
			t.Errorf("%s: mode %o, owner %d:%d, time %v", name, e.Mode, e.Uid, e.Gid, e.ModTime)
		}
	}
	for name := range entries {
		if !strings.HasPrefix(name, top) || strings.HasSuffix(name, ".ps1") {
			t.Errorf("%s does not belong there", name)
		}
	}
	notices := string(entries[top+"THIRD-PARTY-NOTICES.txt"].data)
	for _, of := range []string{"the Go standard library: LICENSE\n", "github.com/spf13/cobra v", "github.com/prometheus/client_golang v"} {
		if !strings.Contains(notices, "\n"+of) {
			t.Errorf("the notices have nothing of %s", of)
		}
	}
	if host() != (platform{"linux", "amd64"}) {
		return
	}
	name := filepath.Join(t.TempDir(), "dvproxy")
	if err := os.WriteFile(name, entries[top+"dvproxy"].data, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(name, "version").CombinedOutput()
	if want := "dvproxy v1.2.3-rc.1 " + runtime.Version() + " linux/amd64\n"; err != nil || string(out) != want {
		t.Errorf("dvproxy version says %q (%v), want %q", out, err, want)
	}
}

// buildNFPM builds the nfpm that tools/nfpm pins.
func buildNFPM(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "nfpm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", name, "github.com/goreleaser/nfpm/v2/cmd/nfpm")
	cmd.Dir = filepath.Join("..", "..", "tools", "nfpm")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build nfpm: %v\n%s", err, out)
	}
	return name
}

// copySource copies what a release is made of.
func copySource(t *testing.T, to string) {
	t.Helper()
	root := filepath.Join("..", "..")
	for _, dir := range []string{"cmd/proxy", "internal", "docs", "deploy/packages", "deploy/systemd"} {
		if err := os.CopyFS(filepath.Join(to, dir), os.DirFS(filepath.Join(root, dir))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "README.md", "SECURITY.md", "CHANGELOG.md"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func folder(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files, err := readFolder(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		all[f.name] = f.data
	}
	return all
}
