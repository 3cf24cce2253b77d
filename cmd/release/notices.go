package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// licence is how files with terms are called.
var licence = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// notices are the licences of all that the program for a platform links. Most
// ask that a program comes with them. A module without one is an error: it may
// not be passed on.
func (r *release) notices(ctx context.Context, p platform) ([]byte, error) {
	out, err := output(r.tool(ctx, p, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}\t{{.Dir}}\t{{$.Dir}}{{end}}{{end}}", "./cmd/proxy"))
	if err != nil {
		return nil, err
	}
	root, err := output(r.tool(ctx, p, "env", "GOROOT"))
	if err != nil {
		return nil, err
	}
	goroot := strings.TrimSpace(string(root))
	linked := map[string]map[string]string{"the Go standard library": {"": goroot}} // module, package's folder: module's folder
	for l := range strings.Lines(string(out)) {
		module, dirs, ok := strings.Cut(strings.TrimSpace(l), "\t")
		if !ok {
			continue // of ours, or of Go's
		}
		moduleDir, dir, _ := strings.Cut(dirs, "\t")
		if linked[module] == nil {
			linked[module] = map[string]string{}
		}
		linked[module][dir] = moduleDir
	}
	return write(linked)
}

func write(linked map[string]map[string]string) ([]byte, error) {
	var b strings.Builder
	b.WriteString("dvproxy is one file that holds, beside its own code, what is listed here under the terms given.\n")
	for _, module := range keys(linked) {
		texts := map[string]string{}
		for dir, top := range linked[module] {
			if dir == "" {
				dir = top
			}
			if err := collect(top, dir, texts); err != nil {
				return nil, err
			}
		}
		if len(texts) == 0 {
			return nil, fmt.Errorf("%s has no licence in its folder, so the program may not be passed on", module)
		}
		for _, name := range keys(texts) {
			fmt.Fprintf(&b, "\n%s\n%s: %s\n\n%s\n", strings.Repeat("=", 78), module, name, strings.TrimSpace(texts[name]))
		}
	}
	return []byte(b.String()), nil
}

// collect finds the licences that count for a package: in its folder and in
// those above it, up to the module's.
func collect(top, dir string, texts map[string]string) error {
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.IsDir() || !licence.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" {
				continue
			}
			name := filepath.Join(dir, e.Name())
			text, err := os.ReadFile(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue // a link to nowhere
			}
			if err != nil {
				return err
			}
			relative, err := filepath.Rel(top, name)
			if err != nil {
				return err
			}
			texts[filepath.ToSlash(relative)] = string(text)
		}
		if dir == top || len(dir) <= len(top) {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

func keys[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}
