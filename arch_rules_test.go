package dvproxy_test

import (
	"strings"
	"testing"
)

// TestRulesBite shows each rule what it is there to find, and something like
// it that is allowed. An archive of files is written as in "-- name --".
func TestRulesBite(t *testing.T) {
	for _, tt := range []struct {
		rule  string
		wrong string
		right string
	}{
		{
			"only cmd imports more than one internal package",
			"-- internal/a/a_test.go --\npackage a\nimport _ `dvproxy/internal/b`",
			"-- cmd/x/x.go --\npackage main\nimport _ `dvproxy/internal/b`\n-- internal/forward/f.go --\npackage forward\nimport _ `dvproxy/internal/odata`\n" +
				"-- internal/b/b_test.go --\npackage b_test\nimport _ `dvproxy/internal/b`",
		},
		{
			"the program never links the simulator",
			"-- cmd/proxy/p.go --\npackage main\nimport _ `dvproxy/internal/a`\n-- internal/a/a.go --\npackage a\nimport _ `dvproxy/internal/simulator`",
			"-- cmd/proxy/p_test.go --\npackage main\nimport _ `dvproxy/internal/simulator`\n-- cmd/demo/d.go --\npackage main\nimport _ `dvproxy/internal/simulator`",
		},
		{
			"every package has a comment",
			"-- internal/a/a.go --\n// A comment.\npackage a",
			"-- internal/a/a.go --\npackage a\n-- internal/a/doc.go --\n// Package a does one thing.\npackage a\n-- cmd/x/main.go --\n// Command x runs.\npackage main",
		},
		{
			"names say what a package does",
			"-- internal/util/u.go --\npackage util",
			"-- internal/guard/u.go --\npackage guard",
		},
		{
			"only main ends the process",
			"-- cmd/x/run.go --\npackage main\nfunc run() { os.Exit(1) }",
			"-- cmd/x/main.go --\npackage main\nfunc main() { os.Exit(run()) }\n-- e2e/m_test.go --\npackage e2e\nfunc TestMain() { os.Exit(0) }",
		},
		{
			"no package-level state",
			"-- internal/a/a.go --\npackage a\nvar m = map[string]int{}\n-- internal/a/b.go --\npackage a\nfunc f() { m[`x`]++ }",
			"-- internal/a/a.go --\npackage a\nvar m = map[string]int{`x`: 1}\nfunc f() int { m := map[string]int{}; m[`x`]++; return m[`x`] }",
		},
		{
			"no package-level state",
			"-- internal/a/a.go --\npackage a\nvar mu sync.Mutex",
			"-- internal/a/a.go --\npackage a\ntype t struct { mu sync.Mutex }",
		},
		{
			"waits can be broken off",
			"-- internal/a/a.go --\npackage a\nfunc f() { time.Sleep(1) }",
			"-- internal/a/a_test.go --\npackage a\nimport `testing/synctest`\nfunc f() { synctest.Test(nil, func() { time.Sleep(1) }) }",
		},
		{
			"one file holds one idea",
			"-- cmd/x/main.go --\npackage main\n" + strings.Repeat("//\n", 60),
			"-- cmd/x/run.go --\npackage main\n" + strings.Repeat("//\n", 60),
		},
		{
			"no folder of somebody's machine",
			"-- internal/a/a.go --\npackage a\nconst c = `/ro" + "ot/x`",
			"-- internal/a/a.go --\npackage a\nconst c = `/run/secrets/x`",
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			if got := complaints(t, tt.rule, tt.wrong); len(got) != 1 {
				t.Errorf("complaints %q, want one, of:\n%s", got, tt.wrong)
			}
			if got := complaints(t, tt.rule, tt.right); len(got) != 0 {
				t.Errorf("complaints %q, want none, of:\n%s", got, tt.right)
			}
		})
	}
}

func complaints(t *testing.T, name, archive string) []string {
	t.Helper()
	h := newHouse()
	for part := range strings.SplitSeq(archive, "-- ") {
		if file, text, ok := strings.Cut(part, " --\n"); ok {
			if err := h.add(file, text); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, rule := range rules {
		if rule.name == name {
			return rule.check(h)
		}
	}
	t.Fatalf("there is no rule %q", name)
	return nil
}
