package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// checkDeb looks into a deb: what is where, with which modes, which file is the
// administrator's, and that its scripts are shell.
func checkDeb(t *testing.T, data []byte, made time.Time) {
	members := unar(t, data)
	files := untar(t, gunzip(t, members["data.tar.gz"]))
	for name, mode := range map[string]int64{
		"./usr/bin/dvproxy":                                  0o755,
		"./etc/dvproxy/":                                     0o755,
		"./usr/lib/systemd/system/dvproxy.service":           0o644,
		"./etc/dvproxy/dvproxy.yaml":                         0o644,
		"./usr/share/man/man1/dvproxy.1.gz":                  0o644,
		"./usr/share/man/man1/dvproxy-lifetime-set.1.gz":     0o644,
		"./usr/share/bash-completion/completions/dvproxy":    0o644,
		"./usr/share/zsh/vendor-completions/_dvproxy":        0o644,
		"./usr/share/fish/vendor_completions.d/dvproxy.fish": 0o644,
		"./usr/share/doc/dvproxy/copyright":                  0o644,
		"./usr/share/doc/dvproxy/changelog.gz":               0o644,
		"./usr/share/doc/dvproxy/THIRD-PARTY-NOTICES.txt.gz": 0o644,
		"./usr/share/doc/dvproxy/examples/dvproxy.yaml":      0o644,
		"./usr/share/doc/dvproxy/docs/configuration.md":      0o644,
	} {
		if e, ok := files[name]; !ok || e.Mode != mode || e.Uname != "root" || !e.ModTime.Equal(made) {
			t.Errorf("%s: there %t, mode %o, owner %q, time %v; want mode %o", name, ok, e.Mode, e.Uname, e.ModTime, mode)
		}
	}
	control := untar(t, gunzip(t, members["control.tar.gz"]))
	if got := string(control["./conffiles"].data); got != "/etc/dvproxy/dvproxy.yaml\n" {
		t.Errorf("conffiles %q", got)
	}
	if !strings.Contains(string(control["./control"].data), "\nVersion: 1.2.3~rc.1\n") {
		t.Errorf("control:\n%s", control["./control"].data)
	}
	for _, name := range []string{"postinst", "prerm", "postrm"} {
		script := control["./"+name]
		if script.Mode != 0o755 || !bytes.HasPrefix(script.data, []byte("#!/bin/sh\n")) {
			t.Errorf("%s: mode %o, begins %.20q", name, script.Mode, script.data)
		}
	}
	want := "dvproxy (1.2.3~rc.1) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz beside this file.\n\n -- dvproxy maintainers <dvproxy@localhost>  Tue, 03 Feb 2026 04:05:06 +0000\n"
	if diff := cmp.Diff(want, string(gunzip(t, files["./usr/share/doc/dvproxy/changelog.gz"].data))); diff != "" {
		t.Errorf("changelog (-want +got):\n%s", diff)
	}
}

// TestScripts: sh can read the scripts, and without systemd, as in a container,
// they do nothing and succeed.
func TestScripts(t *testing.T) {
	for _, tt := range []struct{ script, args string }{
		{"deb/postinst", "configure"},
		{"deb/postinst", "configure 1.0.0"},
		{"deb/prerm", "remove"},
		{"deb/prerm", "upgrade 1.0.0"},
		{"deb/postrm", "remove"},
		{"rpm/post", "1"},
		{"rpm/post", "2"},
		{"rpm/preun", "0"},
		{"rpm/preun", "1"},
		{"rpm/postun", "0"},
	} {
		t.Run(tt.script+" "+tt.args, func(t *testing.T) {
			for _, booted := range []bool{false, true} {
				said := runScript(t, tt.script, strings.Fields(tt.args), booted)
				if want := wantCalls(tt.script, tt.args, booted); said != want {
					t.Errorf("under systemd %t it calls\n%swant\n%s", booted, said, want)
				}
			}
		})
	}
}

func wantCalls(script, args string, booted bool) string {
	if !booted {
		return ""
	}
	return map[string]string{
		"deb/postinst configure":       "systemctl --system daemon-reload\n",
		"deb/postinst configure 1.0.0": "systemctl --system daemon-reload\ndeb-systemd-invoke try-restart dvproxy.service\n",
		"deb/prerm remove":             "deb-systemd-invoke stop dvproxy.service\n",
		"deb/postrm remove":            "systemctl --system daemon-reload\n",
		"rpm/post 1":                   "systemctl daemon-reload\n",
		"rpm/post 2":                   "systemctl daemon-reload\nsystemctl try-restart dvproxy.service\n",
		"rpm/preun 0":                  "systemctl --no-reload disable --now dvproxy.service\n",
		"rpm/postun 0":                 "systemctl daemon-reload\n",
	}[script+" "+args]
}

// runScript runs a maintainer script with stand-ins for what it calls, which
// fail, as they may: the package is installed all the same.
func runScript(t *testing.T, script string, args []string, booted bool) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "packages", filepath.FromSlash(script)))
	if err != nil {
		t.Fatal(err)
	}
	system := filepath.Join(dir, "booted")
	if booted {
		if err := os.Mkdir(system, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	log := filepath.Join(dir, "log")
	prelude := "log=$1; shift\nsystemctl() { echo systemctl \"$@\" >>\"$log\"; false; }\ndeb_systemd_invoke() { echo deb-systemd-invoke \"$@\" >>\"$log\"; false; }\n"
	replaced := strings.NewReplacer("/run/systemd/system", system, "deb-systemd-invoke", "deb_systemd_invoke").Replace(string(text))
	cmd := exec.CommandContext(t.Context(), "sh", append([]string{"-uc", prelude + replaced, script, log}, append(args, "")...)...)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("under systemd %t: %v\n%s", booted, err, out)
	}
	said, err := os.ReadFile(log)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(said)
}

// An entry is a file of a tar.
type entry struct {
	tar.Header
	data []byte
}

func untar(t *testing.T, data []byte) map[string]entry {
	t.Helper()
	all := map[string]entry{}
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[h.Name] = entry{*h, text}
	}
}

// gunzip also checks that no name and no time is in the header.
func gunzip(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "" || !r.ModTime.IsZero() {
		t.Errorf("gzip names %q and %v", r.Name, r.ModTime)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// unar reads an ar archive, which a deb is. deb(5).
func unar(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	data, ok := bytes.CutPrefix(data, []byte("!<arch>\n"))
	if !ok {
		t.Fatal("no ar archive")
	}
	members := map[string][]byte{}
	for len(data) >= 60 {
		size, err := strconv.Atoi(strings.TrimSpace(string(data[48:58])))
		if err != nil || 60+size > len(data) {
			t.Fatalf("ar: size %q of %d bytes", data[48:58], len(data))
		}
		members[strings.TrimRight(string(data[:16]), " /")] = data[60 : 60+size]
		data = data[min(60+size+size%2, len(data)):]
	}
	return members
}
