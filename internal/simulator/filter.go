package simulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// readFilter reads the part of $filter that is understood here: comparisons
// of a column with a literal (eq, ne, gt, ge, lt, le), joined by and.
func readFilter(set, text string) (func(*row) bool, error) {
	words, err := splitWords(text)
	if err != nil {
		return nil, err
	}
	var tests []func(*row) bool
	for {
		if len(words) < 3 {
			return nil, errors.New("a comparison is: column, operator, literal")
		}
		test, err := readComparison(set, words[0], words[1], words[2])
		if err != nil {
			return nil, err
		}
		tests = append(tests, test)
		if words = words[3:]; len(words) == 0 {
			break
		}
		if words[0] != "and" {
			return nil, fmt.Errorf("%q in place of and", words[0])
		}
		words = words[1:]
	}
	return func(r *row) bool {
		for _, test := range tests {
			if !test(r) {
				return false
			}
		}
		return true
	}, nil
}

func readComparison(set, column, operator, literal string) (func(*row) bool, error) {
	want, ok := readLiteral(literal)
	if !ok || !isIdentifier(column) {
		return nil, fmt.Errorf("%q is no literal or %q no column", literal, column)
	}
	accept, ok := map[string]func(int) bool{
		"eq": func(c int) bool { return c == 0 }, "ne": func(c int) bool { return c != 0 },
		"gt": func(c int) bool { return c > 0 }, "ge": func(c int) bool { return c >= 0 },
		"lt": func(c int) bool { return c < 0 }, "le": func(c int) bool { return c <= 0 },
	}[operator]
	if !ok {
		return nil, fmt.Errorf("%q is no operator", operator)
	}
	return func(r *row) bool {
		have := valueOf(set, r, column)
		if (isNull(have) || isNull(want)) && operator != "eq" && operator != "ne" {
			return false
		}
		return accept(compareJSON(have, want))
	}, nil
}

// valueOf is a column of a row, its key included.
func valueOf(set string, r *row, column string) json.RawMessage {
	if column == primaryKey(set) {
		return json.RawMessage(`"` + r.id + `"`)
	}
	return r.get(column)
}

func isNull(value json.RawMessage) bool {
	return len(value) == 0 || bytes.Equal(value, []byte("null"))
}

// compareJSON orders two JSON values: null first, numbers by size, text
// without regard to case as Dataverse does, anything else by its bytes.
func compareJSON(a, b json.RawMessage) int {
	if isNull(a) || isNull(b) {
		return cmp.Compare(boolInt(!isNull(a)), boolInt(!isNull(b)))
	}
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return bytes.Compare(a, b)
	}
	switch x := x.(type) {
	case float64:
		if y, ok := y.(float64); ok {
			return cmp.Compare(x, y)
		}
	case string:
		if y, ok := y.(string); ok {
			return cmp.Compare(strings.ToLower(x), strings.ToLower(y))
		}
	}
	return bytes.Compare(a, b)
}

// unquote is the text of a JSON string, empty for anything else.
func unquote(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	return s
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// readOrder reads $orderby: columns with asc or desc.
func readOrder(set, text string) (func(a, b *row) int, error) {
	type by struct {
		column string
		sign   int
	}
	var keys []by
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		switch {
		case len(words) == 1 && isIdentifier(words[0]), len(words) == 2 && words[1] == "asc":
			keys = append(keys, by{words[0], 1})
		case len(words) == 2 && words[1] == "desc":
			keys = append(keys, by{words[0], -1})
		default:
			return nil, fmt.Errorf("%q is not a column with asc or desc", part)
		}
	}
	return func(a, b *row) int {
		for _, key := range keys {
			if c := compareJSON(valueOf(set, a, key.column), valueOf(set, b, key.column)); c != 0 {
				return c * key.sign
			}
		}
		return 0
	}, nil
}

// splitWords cuts at spaces that are not inside quotes.
func splitWords(s string) ([]string, error) {
	var words []string
	var word strings.Builder
	quoted := false
	for _, c := range s + " " {
		if c == '\'' {
			quoted = !quoted
		}
		if c != ' ' || quoted {
			word.WriteRune(c)
			continue
		}
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	if quoted {
		return nil, errors.New("a quote is not closed")
	}
	return words, nil
}
