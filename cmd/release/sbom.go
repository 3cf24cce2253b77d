package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// A bom is a list of what is in a program, as CycloneDX 1.6 has it
// (https://cyclonedx.org/docs/1.6/json/), with what is used of that.
type bom struct {
	Schema       string       `json:"$schema"`
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Time      string    `json:"timestamp,omitempty"`
	Component component `json:"component"`
}

type component struct {
	Ref        string     `json:"bom-ref"`
	Type       string     `json:"type"`
	Name       string     `json:"name"`
	Version    string     `json:"version,omitempty"`
	Hashes     []hash     `json:"hashes,omitempty"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn,omitempty"`
}

// sbom lists what is in a program, by what Go's linker wrote into it: that is
// what was linked, not what go.mod allows. The serial number is made of the
// program's bytes, so that one program has one list. A zero time is left out, and
// so is an empty revision.
func sbom(program []byte, version, revision string, at time.Time) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(program))
	if err != nil {
		return nil, fmt.Errorf("read what Go's linker says of the program: %w", err)
	}
	sum := sha256.Sum256(program)
	of := component{
		Ref: "dvproxy", Type: "application", Name: "dvproxy", Version: version,
		Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}}, Properties: properties(info, revision),
	}
	list := bom{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1,
		Serial: serial(sum), Metadata: metadata{Component: of},
	}
	if !at.IsZero() {
		list.Metadata.Time = at.UTC().Format(time.RFC3339)
	}
	std := strings.TrimPrefix(info.GoVersion, "go")
	list.Components = append(list.Components, component{Ref: "pkg:golang/std@" + std, Type: "library", Name: "std", Version: info.GoVersion, PURL: "pkg:golang/std@" + std})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		list.Components = append(list.Components, library(m))
	}
	on := dependency{Ref: of.Ref}
	for _, c := range list.Components {
		on.On = append(on.On, c.Ref)
	}
	list.Dependencies = []dependency{on}
	text, err := json.MarshalIndent(list, "", "  ")
	return append(text, '\n'), err
}

// library is a module that was linked. Its hash is the one of go.sum, as
// CycloneDX's own tool for Go gives it: over the module's files, not over a zip.
func library(m *debug.Module) component {
	purl := "pkg:golang/" + m.Path + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
	c := component{Ref: purl, Type: "library", Name: m.Path, Version: m.Version, PURL: purl}
	if h1, ok := strings.CutPrefix(m.Sum, "h1:"); ok {
		if raw, err := base64.StdEncoding.DecodeString(h1); err == nil {
			c.Hashes = []hash{{"SHA-256", hex.EncodeToString(raw)}}
		}
	}
	return c
}

func properties(info *buildinfo.BuildInfo, revision string) (list []property) {
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS", "GOARCH", "CGO_ENABLED", "-trimpath":
			list = append(list, property{"go:" + s.Key, s.Value})
		case "vcs.revision":
			revision = s.Value
		}
	}
	if revision != "" {
		list = append(list, property{"vcs.revision", revision})
	}
	return list
}

// serial is a UUID of version 8, whose bits are the maker's own. RFC 9562 5.8.
func serial(sum [sha256.Size]byte) string {
	u := bytes.Clone(sum[:16])
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// runSBOM is the command sbom: for a program that was not built by a release,
// such as the one in a container image.
func runSBOM(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("sbom", flag.ContinueOnError)
	flags.SetOutput(stderr)
	version := flags.String("version", "", "release that the program calls itself; default: what Go says it is")
	if err := flags.Parse(args); err != nil {
		return usageError{err}
	}
	if flags.NArg() != 1 {
		return usageError{fmt.Errorf("say which program: go run ./cmd/release sbom bin/dvproxy")}
	}
	program, err := os.ReadFile(flags.Arg(0))
	if err != nil {
		return err
	}
	if *version == "" {
		if info, err := buildinfo.Read(bytes.NewReader(program)); err == nil {
			*version = info.Main.Version
		}
	}
	list, err := sbom(program, *version, "", time.Time{})
	if err != nil {
		return err
	}
	_, err = stdout.Write(list)
	return err
}
