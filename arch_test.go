// Package dvproxy_test holds the rules of the house, as docs/architecture.md
// and CONTRIBUTING.md give them. Each failure says what to do.
package dvproxy_test

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	mostLines  = 300 // of a file
	mostInMain = 60  // lines of a main.go
	testOnly   = "internal/simulator"
	shipped    = "cmd/proxy"
)

// machineFolder is a path that is good on one machine only.
var machineFolder = regexp.MustCompile(`/(work|root|home)/`)

// allowed are the imports between the house's rooms, apart from those of cmd.
var allowed = map[string]string{
	"internal/forward": "internal/odata",
	"e2e":              testOnly,
}

var rules = []struct {
	name  string
	check func(*house) []string
}{
	{"only cmd imports more than one internal package", (*house).star},
	{"the program never links the simulator", (*house).noSimulator},
	{"every package has a comment", (*house).comments},
	{"names say what a package does", (*house).names},
	{"only main ends the process", (*house).exits},
	{"no package-level state", (*house).state},
	{"waits can be broken off", (*house).sleeps},
	{"one file holds one idea", (*house).sizes},
	{"no folder of somebody's machine", (*house).machinePaths},
}

func TestHouse(t *testing.T) {
	h := readHouse(t)
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, complaint := range slices.Sorted(slices.Values(rule.check(h))) {
				t.Error(complaint)
			}
		})
	}
}

// star looks at tests too: one that needs a sibling belongs in cmd or e2e.
func (h *house) star() (wrong []string) {
	for _, i := range h.imports {
		if strings.HasPrefix(i.by.dir, "cmd/") || i.of == i.by.dir || allowed[i.by.dir] == i.of {
			continue
		}
		wrong = append(wrong, fmt.Sprintf("%s imports %s: declare the small interface that %s needs, and let cmd pass the other in", i.by.name, i.of, i.by.dir))
	}
	return wrong
}

func (h *house) noSimulator() []string {
	linked := map[string]string{shipped: "itself"}
	for todo := []string{shipped}; len(todo) > 0; todo = todo[1:] {
		for _, i := range h.imports {
			if _, seen := linked[i.of]; i.by.dir == todo[0] && !i.by.test && !seen {
				linked[i.of] = i.by.name
				todo = append(todo, i.of)
			}
		}
	}
	if by, ok := linked[testOnly]; ok {
		return []string{fmt.Sprintf("%s links %s, by way of %s: import it in cmd/simulator, cmd/demo or a test only", shipped, testOnly, by)}
	}
	return nil
}

func (h *house) comments() (wrong []string) {
	for dir, files := range h.packages {
		has := func(f *file) bool {
			begins := "Package " + f.ast.Name.Name + " "
			if f.ast.Name.Name == "main" {
				begins = "Command "
			}
			return strings.HasPrefix(f.ast.Doc.Text(), begins)
		}
		if !slices.ContainsFunc(files, has) {
			wrong = append(wrong, fmt.Sprintf("%s: begin one of its files with a comment, \"Package x\" (or \"Command x\") and what it does", dir))
		}
	}
	return wrong
}

func (h *house) names() (wrong []string) {
	for dir := range h.packages {
		switch base := path.Base(dir); base {
		case "util", "utils", "common", "helper", "helpers", "misc", "shared":
			wrong = append(wrong, fmt.Sprintf("%s: %q says nothing; name it after what it does, or move each part to where it is used", dir, base))
		}
	}
	return wrong
}

func (h *house) exits() (wrong []string) {
	for f := range h.files() {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if ok && fn.Recv == nil && (fn.Name.Name == "main" || fn.Name.Name == "TestMain") {
				continue
			}
			for _, call := range []string{"os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln"} {
				for _, pos := range calls(d, call) {
					wrong = append(wrong, fmt.Sprintf("%s: %s outside main skips what is deferred; return an error", h.at(pos), call))
				}
			}
		}
	}
	return wrong
}

// state looks for package-level variables that change. Those that are set once,
// where they are declared, are constants that Go has no word for.
func (h *house) state() (wrong []string) {
	for dir, files := range h.packages {
		if !strings.HasPrefix(dir, "internal/") {
			continue
		}
		for pos, name := range h.changes(files) {
			wrong = append(wrong, fmt.Sprintf("%s: the package-level variable %s changes; make it a field of what New returns", h.at(pos), name))
		}
	}
	return wrong
}

// sleeps allows time.Sleep only where it costs no time.
func (h *house) sleeps() (wrong []string) {
	for f := range h.files() {
		if f.test && h.inBubbles(f) {
			continue
		}
		for _, pos := range calls(f.ast, "time.Sleep") {
			wrong = append(wrong, fmt.Sprintf("%s: time.Sleep; wait for the event, or select on a timer and the caller's context (a test may sleep in a testing/synctest bubble)", h.at(pos)))
		}
	}
	return wrong
}

// inBubbles says whether a test file, or the tests beside it that use its
// fakes, run in testing/synctest bubbles.
func (h *house) inBubbles(f *file) bool {
	return slices.ContainsFunc(h.packages[f.dir], func(other *file) bool {
		return other.test && slices.Contains(other.paths(), "testing/synctest")
	})
}

func (h *house) sizes() (wrong []string) {
	for f := range h.files() {
		limit := mostLines
		if path.Base(f.name) == "main.go" {
			limit = mostInMain
		}
		if lines := strings.Count(f.text, "\n"); lines > limit {
			wrong = append(wrong, fmt.Sprintf("%s has %d lines, over %d: split it by idea", f.name, lines, limit))
		}
	}
	return wrong
}

func (h *house) machinePaths() (wrong []string) {
	for f := range h.files() {
		for i, line := range strings.Split(f.text, "\n") {
			if folder := machineFolder.FindString(line); folder != "" {
				wrong = append(wrong, fmt.Sprintf("%s:%d: %s is a folder of one machine; use t.TempDir, os.UserHomeDir or a setting", f.name, i+1, folder))
			}
		}
	}
	return wrong
}
