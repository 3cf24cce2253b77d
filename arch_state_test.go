package dvproxy_test

import (
	"errors"
	"go/ast"
	"go/token"
	"go/types"
)

// changes are the places where the package that the files make sets one of its
// own package-level variables or takes its address, or declares one of a type
// that is there to be changed. Tests do not count. What a call does to a slice
// or map that it is passed is not seen.
func (h *house) changes(files []*file) map[token.Pos]string {
	var asts []*ast.File
	for _, f := range files {
		if !f.test {
			asts = append(asts, f.ast)
		}
	}
	// Types alone need no imports here: what counts is which name means which
	// variable, and that is decided within the package.
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Error: func(error) {}, Importer: noImports{}}
	pkg, _ := config.Check("", h.positions, asts, info)

	found := map[token.Pos]string{}
	note := func(e ast.Expr) {
		root := rootOf(e)
		if v, ok := info.Uses[root].(*types.Var); ok && v.Parent() == pkg.Scope() {
			found[root.Pos()] = root.Name
		}
	}
	for _, f := range asts {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					note(e)
				}
			case *ast.IncDecStmt:
				note(n.X)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					note(n.X)
				}
			case *ast.CallExpr:
				if fn, ok := n.Fun.(*ast.Ident); ok && (fn.Name == "delete" || fn.Name == "clear" || fn.Name == "copy") {
					note(n.Args[0])
				}
			}
			return true
		})
		for _, name := range lockable(f) {
			found[name.Pos()] = name.Name
		}
	}
	return found
}

// lockable are the package-level variables of a type in sync or sync/atomic.
func lockable(f *ast.File) (names []*ast.Ident) {
	for _, d := range f.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.VAR {
			continue
		}
		for _, spec := range decl.Specs {
			v := spec.(*ast.ValueSpec)
			if s, ok := rootType(v.Type).(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && (x.Name == "sync" || x.Name == "atomic") {
					names = append(names, v.Names...)
				}
			}
		}
	}
	return names
}

// rootType is a type without its star or type arguments.
func rootType(e ast.Expr) ast.Expr {
	switch t := e.(type) {
	case *ast.StarExpr:
		return rootType(t.X)
	case *ast.IndexExpr:
		return rootType(t.X)
	}
	return e
}

// rootOf is the variable that an expression such as x.f[i] is a part of; nil
// if it is none.
func rootOf(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return rootOf(e.X)
	case *ast.IndexExpr:
		return rootOf(e.X)
	case *ast.StarExpr:
		return rootOf(e.X)
	case *ast.ParenExpr:
		return rootOf(e.X)
	}
	return nil
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not looked at") }
