package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A release is one version of dvproxy for some platforms.
type release struct {
	source    string // folder of the module
	out       string // folder for what is made
	nfpm      string // the program that makes packages
	version   string // v1.2.3
	revision  string // the commit, if known
	time      time.Time
	platforms []platform
}

// make makes everything, and says what. The sums come last: a folder without
// them is one that was not finished.
func (r *release) make(ctx context.Context, stdout io.Writer) error {
	if entries, err := os.ReadDir(r.out); err == nil && len(entries) > 0 {
		return usageError{fmt.Errorf("%s is not empty; remove what is there", r.out)}
	}
	work, err := os.MkdirTemp("", "dvproxy-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := os.MkdirAll(r.out, 0o755); err != nil { //nolint:gosec // a release is for all to read
		return err
	}
	docs, err := r.documents(ctx, work)
	if err != nil {
		return err
	}
	for _, p := range r.platforms {
		began := time.Now()
		if err := r.platform(ctx, p, docs, work); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		fmt.Fprintf(stdout, "%s took %.0f s\n", p, time.Since(began).Seconds())
	}
	sums, err := r.sums()
	if err != nil {
		return err
	}
	if err := r.write("SHA256SUMS", sums); err != nil {
		return err
	}
	_, err = stdout.Write(sums)
	return err
}

// name is what the files of a platform are called, before the dot.
func (r *release) name(p platform) string {
	return "dvproxy_" + strings.TrimPrefix(r.version, "v") + "_" + p.os + "_" + p.arch
}

func (r *release) platform(ctx context.Context, p platform, docs []file, work string) error {
	name, err := r.build(ctx, p, work)
	if err != nil {
		return err
	}
	program, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	list, err := sbom(program, r.version, r.revision, r.time)
	if err != nil {
		return err
	}
	if err := r.write(r.name(p)+".cdx.json", list); err != nil {
		return err
	}
	notices, err := r.notices(ctx, p)
	if err != nil {
		return err
	}
	files := append(slices.Clone(docs), file{name: p.program(), data: program, executable: true}, file{name: "THIRD-PARTY-NOTICES.txt", data: notices})
	own, err := r.own()
	if err != nil {
		return err
	}
	files = append(files, own...)
	if err := r.archive(p, files); err != nil {
		return err
	}
	if p.os != "linux" {
		return nil
	}
	return r.pack(ctx, p, files, filepath.Join(work, "stage_"+p.arch))
}

// own are the files of the source that come with the program.
func (r *release) own() (files []file, err error) {
	for _, name := range []string{"README.md", "SECURITY.md", "CHANGELOG.md", "LICENSE"} {
		data, err := os.ReadFile(filepath.Join(r.source, name))
		if errors.Is(err, fs.ErrNotExist) && name == "LICENSE" {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, data: data})
	}
	docs, err := readFolder(filepath.Join(r.source, "docs"), "docs/")
	if err != nil {
		return nil, err
	}
	unit, err := os.ReadFile(filepath.Join(r.source, "deploy", "systemd", "dvproxy.service"))
	if err != nil {
		return nil, fmt.Errorf("no systemd unit to pack: %w", err)
	}
	return append(append(files, docs...), file{name: "systemd/dvproxy.service", data: unit}), nil
}

// archive packs what is for a platform: man pages and a unit are for those that
// have man and systemd.
func (r *release) archive(p platform, files []file) error {
	files = slices.DeleteFunc(slices.Clone(files), func(f file) bool {
		folder, _, _ := strings.Cut(f.name, "/")
		switch folder {
		case "systemd":
			return p.os != "linux"
		case "man":
			return p.os == "windows"
		case "completion":
			return (p.os == "windows") != strings.HasSuffix(f.name, ".ps1")
		}
		return false
	})
	format, suffix := tarGz, ".tar.gz"
	if p.os == "windows" {
		format, suffix = zipped, ".zip"
	}
	data, err := format(r.name(p), files, r.time)
	if err != nil {
		return err
	}
	return r.write(r.name(p)+suffix, data)
}

// sums are those of all files, for sha256sum -c.
func (r *release) sums() ([]byte, error) {
	files, err := readFolder(r.out, "")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, f := range sorted(files) {
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(f.data), f.name)
	}
	return []byte(b.String()), nil
}

func (r *release) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(r.out, name), data, 0o644) //nolint:gosec // a release is for all to read
}
