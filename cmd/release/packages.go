package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// pack makes the deb and the rpm of a platform: nfpm packs what is laid out in
// a folder, as deploy/packages/nfpm.yaml says.
func (r *release) pack(ctx context.Context, p platform, files []file, stage string) error {
	files, err := r.staged(files)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := r.stage(stage, f); err != nil {
			return err
		}
	}
	for _, format := range []string{"deb", "rpm"} {
		cmd := exec.CommandContext(ctx, r.nfpm, "package", "--config", "nfpm.yaml", "--packager", format, "--target", r.out) //nolint:gosec // its arguments are ours
		cmd.Dir = stage
		cmd.Env = append(os.Environ(), "ARCH="+p.arch, "VERSION="+r.version, "MAINTAINER="+maintainer, "SOURCE_DATE_EPOCH="+strconv.FormatInt(r.time.Unix(), 10))
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	return nil
}

// staged are the files of an archive as packages want them, with what only
// packages have.
func (r *release) staged(files []file) ([]file, error) {
	recipe, err := readFolder(filepath.Join(r.source, "deploy", "packages"), "")
	if err != nil {
		return nil, err
	}
	staged := recipe
	for _, kind := range []string{"deb", "rpm"} {
		scripts, err := readFolder(filepath.Join(r.source, "deploy", "packages", kind), kind+"/")
		if err != nil {
			return nil, err
		}
		staged = append(staged, scripts...)
	}
	terms := "The authors have given no terms."
	for _, f := range files {
		switch {
		case strings.HasPrefix(f.name, "man/"), f.name == "CHANGELOG.md", f.name == "THIRD-PARTY-NOTICES.txt":
			if f.data, err = gzipped(f.data); err != nil {
				return nil, err
			}
			f.name += ".gz"
		case f.name == "LICENSE":
			terms = string(f.data)
		}
		staged = append(staged, f)
	}
	changes, err := gzipped(r.changes())
	if err != nil {
		return nil, err
	}
	return append(staged, file{name: "copyright", data: fmt.Appendf(nil, copyright, r.time.Year(), terms)}, file{name: "changelog.gz", data: changes}), nil
}

// copyright is the file that Debian Policy 12.5 asks for.
const copyright = `Copyright %d the authors of dvproxy

%s

The program is linked with the Go standard library and with modules of others.
Their copyrights and terms are in THIRD-PARTY-NOTICES.txt.gz beside this file; on
Debian the Apache License is in /usr/share/common-licenses/Apache-2.0 too.
`

// changes is a changelog in Debian's form (Debian Policy 4.4), which says where
// the one for people is.
func (r *release) changes() []byte {
	version := strings.Replace(strings.TrimPrefix(r.version, "v"), "-", "~", 1)
	return fmt.Appendf(nil, "dvproxy (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz beside this file.\n\n -- %s  %s\n", version, maintainer, r.time.Format(time.RFC1123Z))
}

// maintainer is whom a package names. There is no address that holds for all who
// build one.
const maintainer = "dvproxy maintainers <dvproxy@localhost>"

// stage lays a file out with the mode and the time that its package shows.
func (r *release) stage(stage string, f file) error {
	name := filepath.Join(stage, filepath.FromSlash(f.name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // nfpm reads it
		return err
	}
	if err := os.WriteFile(name, f.data, f.mode()); err != nil {
		return err
	}
	if err := os.Chmod(name, f.mode()); err != nil { // whatever the umask is
		return err
	}
	return os.Chtimes(name, r.time, r.time)
}
