package dvproxy_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "dvproxy"

// A house is the module's Go files, for every system and with their tests,
// but for those in modules of their own.
type house struct {
	positions *token.FileSet
	packages  map[string][]*file // by folder
	imports   []imported         // of this module
}

type file struct {
	name string // with its folder, from the module's root
	dir  string
	test bool
	text string
	ast  *ast.File
}

type imported struct {
	by *file
	of string // folder
}

func newHouse() *house {
	return &house{positions: token.NewFileSet(), packages: map[string][]*file{}}
}

// readHouse reads the module that this test is the root of.
func readHouse(t *testing.T) *house {
	t.Helper()
	h := newHouse()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && isOutside(name):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return h.add(filepath.ToSlash(name), string(text))
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.packages["cmd/proxy"]) == 0 || len(h.imports) == 0 {
		t.Fatal("found no packages: the test runs in the wrong folder")
	}
	return h
}

// isOutside says whether a folder is none of the module's, as Go sees it or
// because a package manager fills it.
func isOutside(dir string) bool {
	base := filepath.Base(dir)
	if strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func (h *house) add(name, text string) error {
	parsed, err := parser.ParseFile(h.positions, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	f := &file{
		name: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
		text: text, ast: parsed,
	}
	h.packages[f.dir] = append(h.packages[f.dir], f)
	for _, imports := range f.paths() {
		if of, ok := strings.CutPrefix(imports, module+"/"); ok {
			h.imports = append(h.imports, imported{by: f, of: of})
		}
	}
	return nil
}

// paths are the import paths of a file.
func (f *file) paths() (paths []string) {
	for _, spec := range f.ast.Imports {
		p, _ := strconv.Unquote(spec.Path.Value) // the parser has checked it
		paths = append(paths, p)
	}
	return paths
}

// files are all files, in order.
func (h *house) files() iter.Seq[*file] {
	return func(yield func(*file) bool) {
		for _, dir := range slices.Sorted(maps.Keys(h.packages)) {
			for _, f := range h.packages[dir] {
				if !yield(f) {
					return
				}
			}
		}
	}
}

func (h *house) at(pos token.Pos) string { return fmt.Sprint(h.positions.Position(pos)) }

// calls are the places in n where a function of another package is named, as
// in os.Exit.
func calls(n ast.Node, function string) (at []token.Pos) {
	ast.Inspect(n, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := s.X.(*ast.Ident); ok && x.Name+"."+s.Sel.Name == function {
			at = append(at, s.Pos())
		}
		return true
	})
	return at
}
