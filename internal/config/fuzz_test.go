package config

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// loadBytes is Load of a file with that content, without a file.
func loadBytes(data []byte) (*Config, error) {
	l := &loader{report: newReport(), config: defaults(), src: Source{Getenv: func(string) string { return "" }}}
	if !l.file("dvproxy.yaml", data) {
		return nil, l.problems
	}
	return l.finish()
}

// Any bytes load or give problems, each at a position within the file or at the
// name of a variable; what loads can be written and loads again.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(Example()))
	f.Add([]byte(ok))
	f.Add([]byte(fileWithCredential))
	for _, s := range []string{"", "a: [", "environments: &a [*a]", "environments: &a [{guard: *b}]", "log: {level: !!binary x}", "\xff", "- <<: x", "? {}\n: 1", "log: &l {<<: *l}", "\xff\xfea\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := loadBytes(data)
		if err == nil {
			var b bytes.Buffer
			if err := c.WriteYAML(&b); err != nil {
				t.Fatal(err)
			}
			again := strings.ReplaceAll(b.String(), "'[redacted]'", "s")
			if _, err := loadBytes([]byte(again)); err != nil {
				t.Fatalf("written, it does not load: %v\n%s", err, again)
			}
			return
		}
		var ps Problems
		if !errors.As(err, &ps) || len(ps) == 0 {
			t.Fatalf("not problems: %v", err)
		}
		lines := breaks(data)
		for _, p := range ps {
			if p.File == "" {
				if !strings.HasPrefix(p.Setting, "AZURE_") && p.Setting != "DATAVERSE_URL" {
					t.Errorf("no place: %+v", p)
				}
				continue
			}
			if p.Line < 1 || p.Line > lines+1 || p.Column < 1 {
				t.Errorf("outside of the file's %d lines: %+v", lines, p)
			}
		}
	})
}

// breaks counts what the YAML parser takes for the ends of lines, in UTF-16 at
// least that many.
func breaks(data []byte) (n int) {
	for _, b := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
		n += bytes.Count(data, []byte(b))
	}
	if !utf8.Valid(data) {
		n += bytes.Count(data, []byte{0x85}) + bytes.Count(data, []byte{0x28}) + bytes.Count(data, []byte{0x29})
	}
	return n
}

// A secret is in no message, whatever is wrong with it or around it.
func FuzzSecretIsNotInProblems(f *testing.F) {
	for _, s := range []string{"[c4NARY]", "{c4NARY: x}", "!!int c4NARY", "*c4NARY", "&c4NARY", "|9c4NARY", "\"c4NARY", "'c4NARY", "c4NARY: x", "@c4NARY", "!c4NARY!x y", "x\n    c4NARY: y", "x}\nc4NARY: x", "%c4NARY"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, fragment string) {
		for _, file := range []string{
			"environments:\n- url: https://a.example\n  credential:\n    client_secret: " + fragment + "\n    tenant_id: a b\n",
			"environments: [{credential: {client_secret: " + fragment + "}}]\n",
			"environments:\n- credential:\n    client_secret_file: " + fragment + "\n",
		} {
			c, err := loadBytes([]byte(file))
			shown := message(err)
			if err == nil && strings.Contains(c.Environments[0].Credential.ClientSecret.Reveal(), "c4NARY") {
				shown = c.Warnings.Error()
				c.WriteYAML(io.Discard)
			}
			if strings.Contains(shown, "c4NARY") {
				t.Errorf("%q: %s", file, shown)
			}
		}
	})
}
