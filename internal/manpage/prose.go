package manpage

import (
	"fmt"
	"strings"
)

// prose writes a help text, which is laid out for a terminal: lines are joined
// to paragraphs, which man breaks anew for its own width. Lines that begin with
// "- " begin an item, those with "#" are a heading, and what is indented outside
// an item is shown as it stands.
func prose(b *strings.Builder, text string) {
	var p paragraphs
	p.b = b
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n\t ")
		switch {
		case l == "":
			p.blank()
		case strings.HasPrefix(l, "- "):
			p.enter(item)
			fmt.Fprintf(b, ".IP \\(bu 2\n%s\n", line(l[2:]))
		case strings.HasPrefix(l, "#"):
			p.enter(none)
			fmt.Fprintf(b, ".SS %s\n", escape(strings.TrimLeft(l, "# ")))
		case indented(l) && p.state == item:
			b.WriteString(line(strings.TrimSpace(l)) + "\n")
		case indented(l):
			p.verbatim(l)
		default:
			p.enter(paragraph)
			b.WriteString(line(l) + "\n")
		}
	}
	p.enter(none)
}

func indented(l string) bool { return l[0] == ' ' || l[0] == '\t' }

// A state is what the last line belonged to.
type state int

const (
	none state = iota // a heading, or an end
	paragraph
	item
	verbatim
)

// paragraphs begins and ends what stands between blank lines.
type paragraphs struct {
	b      *strings.Builder
	state  state
	blanks int // seen since the last line, but at a beginning
	began  bool
}

func (p *paragraphs) blank() {
	p.blanks++
	if p.state == item {
		p.state = none
	}
}

// enter ends what was open, and begins s if that is something else, or if blank
// lines part it from the last one.
func (p *paragraphs) enter(s state) {
	if p.state == verbatim && s != verbatim {
		p.b.WriteString(".EE\n.RE\n")
	}
	if s == paragraph && p.began && (p.blanks > 0 || p.state != paragraph) {
		p.b.WriteString(".PP\n")
	}
	if s == verbatim && p.state != verbatim {
		if p.began {
			p.b.WriteString(".PP\n")
		}
		p.b.WriteString(".RS 4\n.EX\n")
	}
	p.state, p.blanks, p.began = s, 0, true
}

// verbatim writes a line as it stands, less the indent of two, and the blank
// lines before it.
func (p *paragraphs) verbatim(l string) {
	blanks := p.blanks
	if p.state != verbatim {
		blanks = 0
	}
	p.enter(verbatim)
	for range blanks {
		p.b.WriteString("\n")
	}
	p.b.WriteString(line(strings.TrimPrefix(strings.TrimPrefix(l, "\t"), "  ")) + "\n")
}

// escape makes text that roff takes for text: a hyphen is the character that
// can be copied into a shell, and so are quotes.
func escape(s string) string {
	return strings.NewReplacer(
		`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`,
	).Replace(s)
}

// line is escape for a whole line, which roff would take for a request if it
// began with a dot.
func line(s string) string {
	if strings.HasPrefix(s, ".") {
		return `\&` + escape(s)
	}
	return escape(s)
}
