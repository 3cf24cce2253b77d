package e2e

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	clientsPage      = "../docs/clients.md"
	documentedOrigin = "http://localhost:7080"
)

// A page is what the tests read of docs/clients.md.
type page struct {
	sections []string        // anchors of the headings
	claims   map[string]bool // of the table of contents: section, and whether it says it is tested
	snippets []snippet
}

// A snippet is a code block. The line that opens it has its language and may
// have test=NAME, which a table in TestSnippets has too, and with=SETTINGS.
type snippet struct {
	language, test, with string
	section              string // anchor
	line                 int    // of its first line of code
	text                 string
}

func (p page) snippet(test string) (snippet, bool) {
	i := slices.IndexFunc(p.snippets, func(s snippet) bool { return s.test == test })
	if i < 0 {
		return snippet{}, false
	}
	return p.snippets[i], true
}

// claim is a row of the table of contents: | client | [title](#anchor) | yes or no |
var claim = regexp.MustCompile(`^\| .* \| \[.*\]\(#([^)]*)\) \| (yes|no)\b`)

func readClientsPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile(clientsPage)
	if err != nil {
		t.Fatal(err)
	}
	p := page{claims: map[string]bool{}}
	var open *snippet
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		info, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case fence && open == nil:
			open = newSnippet(info)
			open.line = number + 1
			if len(p.sections) > 0 {
				open.section = p.sections[len(p.sections)-1]
			}
		case fence:
			if _, twice := p.snippet(open.test); twice && open.test != "" {
				t.Fatalf("%s:%d: a second block with test=%s", clientsPage, open.line, open.test)
			}
			p.snippets, open = append(p.snippets, *open), nil
		case open != nil:
			open.text += line
		case strings.HasPrefix(line, "#"):
			p.sections = append(p.sections, anchor(line))
		default:
			if m := claim.FindStringSubmatch(line); m != nil {
				p.claims[m[1]] = m[2] == "yes"
			}
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block has no end", clientsPage, open.line)
	}
	return p
}

func newSnippet(info string) *snippet {
	s := &snippet{}
	for i, word := range strings.Fields(info) {
		name, value, _ := strings.Cut(word, "=")
		switch {
		case i == 0:
			s.language = word
		case name == "test":
			s.test = value
		case name == "with":
			s.with = value
		}
	}
	return s
}

// anchor is a heading as links name it: small letters, digits and dashes.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_':
			return r
		}
		return -1
	}, strings.ToLower(strings.TrimSpace(strings.TrimLeft(heading, "#"))))
}
