package config

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxFile is far above any real configuration: a larger file is another kind of file.
const maxFile = 1 << 20

// parseYAML is the root of the one document in data; nil if there is none. A
// problem has the position that the YAML parser gives, and never its wording
// where that quotes the file.
func parseYAML(file string, data []byte) (*yaml.Node, *Problem) {
	if len(data) > maxFile {
		return nil, &Problem{File: file, Line: 1, Column: 1, Message: "is larger than 1 MiB, so this is not a configuration of dvproxy"}
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, syntaxProblem(file, data, err)
	}
	var root, second yaml.Node
	switch err := loader.Load(&root); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxProblem(file, data, err)
	}
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
	case err != nil:
		return nil, syntaxProblem(file, data, err)
	default:
		return nil, &Problem{File: file, Line: second.Line, Column: second.Column, Message: "a second YAML document starts here; keep all settings in one"}
	}
	if root.Kind == yaml.DocumentNode {
		return root.Content[0], nil
	}
	return &root, nil
}

func syntaxProblem(file string, data []byte, err error) *Problem {
	p := &Problem{File: file, Line: 1, Column: 1, Message: "not valid YAML"}
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return p
	}
	switch le.Stage {
	case yaml.ReaderStage:
		p.Line, p.Column = unreadable(data)
		p.Message += ": a byte that is not UTF-8 text, or a control character; save the file as UTF-8"
		return p
	case yaml.ComposerStage:
		p.Message += ": an alias (*name) of an anchor that is not defined above it; a text that starts with * needs quotes"
	default:
		p.Message += ": " + explain(le)
	}
	if le.Mark.Line > 0 {
		p.Line, p.Column = le.Mark.Line, max(1, le.Mark.Column)
	}
	// The parser finds the end of the file on a line after the last.
	if last := 1 + bytes.Count(data, []byte("\n")); p.Line > last {
		p.Line, p.Column = position(data, len(data))
	}
	return p
}

// explain adds the remedy to those of the parser's messages that legacy admins meet.
func explain(le *yaml.LoadError) string {
	switch m := le.Message; {
	case strings.HasPrefix(m, "found character '"):
		return "a character that a tag cannot have; a text that starts with ! needs quotes"
	case strings.Contains(m, "cannot start any token"):
		return m + "; indent with spaces, not tabs, and put a text that starts with @ or ` in quotes"
	case strings.Contains(m, "mapping values are not allowed"):
		return m + "; check the indentation, and put a text with a colon and a space in quotes"
	default:
		return m
	}
}

// unreadable is the position of the first byte that is not text, else of the start.
func unreadable(data []byte) (line, column int) {
	i := 0
	for i < len(data) {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 || r < ' ' && !slices.Contains([]rune("\t\r\n"), r) || r >= 0x7f && r < 0xa0 && r != 0x85 {
			return position(data, i)
		}
		i += n
	}
	return 1, 1
}

// position is the line and column of data[i], both from 1; a column is a rune wide.
func position(data []byte, i int) (line, column int) {
	before := data[:i]
	return 1 + bytes.Count(before, []byte("\n")), 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}
