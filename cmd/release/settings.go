package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const about = `Usage: go run ./cmd/release [flags]            in the module's root: make a release
       go run ./cmd/release sbom [flags] FILE  print the CycloneDX list of what is in a built dvproxy

"make release VERSION=v0.1.0" does the first, and builds nfpm before that.

`

// settings are what the command line says.
type settings struct {
	version  string
	out      string
	nfpm     string
	anyState bool // of the work tree
	only     string
}

// semantic is a version as in semver.org, with Go's v: what deb, rpm and Go
// modules all have an order for. Without build metadata: v1.0.0+1 and v1.0.0+2
// have none.
var semantic = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, about)
		flags.PrintDefaults()
	}
	flags.StringVar(&s.version, "version", "", "release to make, such as v0.1.0 or v0.1.0-rc.1; default: the tag of this commit")
	flags.StringVar(&s.out, "out", "dist", "folder for what is made; must be empty or not there")
	flags.StringVar(&s.nfpm, "nfpm", "bin/nfpm", "nfpm, which makes deb and rpm")
	flags.BoolVar(&s.anyState, "uncommitted", false, "build what is in the work tree, though no commit has it: a trial that nobody can repeat")
	flags.StringVar(&s.only, "only", "", "build for these platforms alone, such as linux/amd64,windows/arm64: a trial")
	if err := flags.Parse(args); err != nil {
		return s, usageError{err}
	}
	if flags.NArg() > 0 {
		return s, usageError{fmt.Errorf("unknown argument %q", flags.Arg(0))}
	}
	return s, checkVersion(s.version)
}

// checkVersion refuses what is no version; none at all is no mistake yet.
func checkVersion(v string) error {
	if v != "" && !semantic.MatchString(v) {
		return usageError{fmt.Errorf("version %q is none: write v0.1.0 or v0.1.0-rc.1 (https://semver.org, with a v and no build metadata)", v)}
	}
	return nil
}

// run makes the release of the module in the current folder.
func (s settings) run(ctx context.Context, stdout io.Writer) error {
	source, err := os.Getwd()
	if err != nil {
		return err
	}
	r := release{source: source, version: s.version}
	if r.platforms, err = chosen(s.only); err != nil {
		return err
	}
	if r.out, err = filepath.Abs(s.out); err != nil {
		return err
	}
	if r.nfpm, err = filepath.Abs(s.nfpm); err != nil {
		return err
	}
	if err := r.ask(ctx, s.anyState); err != nil {
		return err
	}
	return r.make(ctx, stdout)
}

// chosen are the platforms named, or all.
func chosen(names string) ([]platform, error) {
	if names == "" {
		return platforms(), nil
	}
	var some []platform
	for name := range strings.SplitSeq(names, ",") {
		system, arch, _ := strings.Cut(name, "/")
		if !slices.Contains(platforms(), platform{system, arch}) {
			return nil, usageError{fmt.Errorf("platform %q is none that a release is for; those are %v", name, platforms())}
		}
		some = append(some, platform{system, arch})
	}
	return some, nil
}
