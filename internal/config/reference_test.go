package config

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

func TestReferenceIsCurrent(t *testing.T) {
	const path = "../../docs/configuration.md"
	if *update {
		if err := os.WriteFile(path, []byte(reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reference(), strings.ReplaceAll(string(got), "\r\n", "\n")); diff != "" {
		t.Errorf("%s is stale; rewrite it with: go test ./internal/config -update\n%s", path, diff)
	}
}

func TestExampleLoadsAndIsComplete(t *testing.T) {
	c, err := load(t, input{file: Example()})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Error(c.Warnings)
	}
	for l := range declared() {
		if key := l.path[strings.LastIndexByte(l.path, '.')+1:]; !strings.Contains(Example(), key+": ") {
			t.Errorf("%s is not in the example", l.path)
		}
	}
}

// What WriteYAML writes loads again as the same configuration, but for the secret.
func TestWriteYAMLLoadsAgain(t *testing.T) {
	want, err := load(t, input{file: ok + `
  retry: {max_wait: 90s, max_body: 1000, memory: 0}
  timeouts: {connect: 1500ms, response_header: 1h30m}
  guard: {allowed_hosts: [a, "b:1"]}
  max_concurrent: 52
  affinity: Spread
  name: "123"
admin: {listen: off}
`})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := want.WriteYAML(&b); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(b.String(), "'[redacted]'", "s", 1)
	got, err := load(t, input{file: text})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, line := range []string{"max_wait: 90s", "max_body: 1000", "memory: 0", "max_concurrent: 52", "affinity: spread", "connect: 1.5s", "response_header: 1h30m"} {
		if !slices.Contains(strings.Split(strings.ReplaceAll(text, "  ", ""), "\n"), line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

func TestDeclaration(t *testing.T) {
	seen := map[string]string{}
	for l := range declared() {
		if l.tag.Get("help") == "" {
			t.Errorf("%s has no help", l.path)
		}
		if text := l.tag.Get("default"); text != "" {
			if problem := l.parse(text); problem != "" {
				t.Errorf("default of %s: %s", l.path, problem)
			}
			if got := l.text(); got != text {
				t.Errorf("default of %s is %s, printed as %s", l.path, text, got)
			}
		} else if l.tag.Get("empty") == "" && l.referenceDefault() == "" {
			t.Errorf("%s has neither a default nor a word for its absence", l.path)
		}
		for _, name := range []string{l.tag.Get("flag"), l.tag.Get("env")} {
			if name != "" && seen[name] != "" {
				t.Errorf("%s is of %s and of %s", name, seen[name], l.path)
			}
			seen[name] = l.path
		}
	}
}

func TestFlags(t *testing.T) {
	var got []string
	for _, f := range Flags() {
		got = append(got, strings.TrimSpace(f.Name+" "+f.Env+" "+f.Default))
	}
	want := []string{
		"config DVPROXY_CONFIG",
		"url DATAVERSE_URL required",
		"listen DVPROXY_LISTEN localhost:7080",
		"admin DVPROXY_ADMIN localhost:7081",
		"exit-after-idle DVPROXY_EXIT_AFTER_IDLE 0s",
		"log-level DVPROXY_LOG_LEVEL info",
		"log-format DVPROXY_LOG_FORMAT text on a terminal, else json",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
