package manpage

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// tree is a program as small as one can be that has everything.
func tree() *cobra.Command {
	run := func(*cobra.Command, []string) {}
	root := &cobra.Command{Use: "tool", Short: "Do a thing", Long: "tool does it.\n\n  tool go", Run: run}
	root.PersistentFlags().StringP("file", "f", "", "`path` of the file (TOOL_FILE)")
	first := &cobra.Command{Use: "go [flags] -- CMD", Short: "Go there", Example: "tool go -- far", Run: run}
	first.Flags().Duration("max", 30e9, "longest wait")
	first.Flags().Bool("old", false, "no longer there")
	_ = first.Flags().MarkHidden("old")
	group := &cobra.Command{Use: "group", Short: "Two things"}
	group.AddCommand(&cobra.Command{Use: "one", Short: "The one", Run: run})
	root.AddCommand(first, group, &cobra.Command{Use: "secret", Short: "Not listed", Hidden: true, Run: run})
	root.InitDefaultHelpCmd()
	return root
}

func TestPages(t *testing.T) {
	got := map[string]string{}
	for _, p := range Pages(tree(), "v1.2.3") {
		got[p.File] = string(p.Text)
	}
	want := []string{"tool-go.1", "tool-group-one.1", "tool-group.1", "tool.1"}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(goPage, got["tool-go.1"]); diff != "" {
		t.Errorf("tool-go.1 (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(rootPage, got["tool.1"]); diff != "" {
		t.Errorf("tool.1 (-want +got):\n%s", diff)
	}
}

const goPage = `.TH "TOOL\-GO" 1 "" "tool v1.2.3" "User Commands"
.SH NAME
tool\-go \- Go there
.SH SYNOPSIS
.B tool go [flags] \-\- CMD
.SH DESCRIPTION
Go there.
.SH EXAMPLES
tool go \-\- far
.SH OPTIONS
.TP
.B \-h, \-\-help
help for go
.TP
.B \-\-max duration
longest wait (default 30s)
.SH GLOBAL OPTIONS
.TP
.B \-f, \-\-file path
path of the file (TOOL_FILE)
.SH SEE ALSO
.BR tool (1)
`

const rootPage = `.TH "TOOL" 1 "" "tool v1.2.3" "User Commands"
.SH NAME
tool \- Do a thing
.SH SYNOPSIS
.B tool [flags]
.br
.B tool [command]
.SH DESCRIPTION
tool does it.
.PP
.RS 4
.EX
tool go
.EE
.RE
.SH COMMANDS
.TP
.B go
Go there
.TP
.B group
Two things
.SH OPTIONS
.TP
.B \-f, \-\-file path
path of the file (TOOL_FILE)
.TP
.B \-h, \-\-help
help for tool
.SH SEE ALSO
.BR tool\-go (1),
.BR tool\-group (1)
`

func TestPagesTwice(t *testing.T) {
	if diff := cmp.Diff(Pages(tree(), "v1"), Pages(tree(), "v1")); diff != "" {
		t.Errorf("one tree makes two texts (-first +second):\n%s", diff)
	}
}

func TestProse(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"lines are joined by roff", "one\ntwo", "one\ntwo\n"},
		{"paragraphs", "one\n\ntwo", "one\n.PP\ntwo\n"},
		{"shown as it stands", "one:\n\n  a   b\n\n    c\n\ntwo", "one:\n.PP\n.RS 4\n.EX\na   b\n\n  c\n.EE\n.RE\n.PP\ntwo\n"},
		{"shown right under a line", "one:\n  a\ntwo", "one:\n.PP\n.RS 4\n.EX\na\n.EE\n.RE\n.PP\ntwo\n"},
		{"shown by a tab", "\ta", ".RS 4\n.EX\na\n.EE\n.RE\n"},
		{"items", "one\n\n- a\n  b\n- c\n\ntwo", "one\n.IP \\(bu 2\na\nb\n.IP \\(bu 2\nc\n.PP\ntwo\n"},
		{"shown after items", "- a\n\n  b", ".IP \\(bu 2\na\n.PP\n.RS 4\n.EX\nb\n.EE\n.RE\n"},
		{"a heading", "#### Linux:\n\n\ta\n\n#### macOS:", ".SS Linux:\n.PP\n.RS 4\n.EX\na\n.EE\n.RE\n.SS macOS:\n"},
		{"a dot is no request", ".SH x\n'br", "\\&.SH x\n\\(aqbr\n"},
		{"what a shell reads stays", `sh -c 'a\b "~^` + "`'", `sh \-c \(aqa\eb \(dq\(ti\(ha\(ga\(aq` + "\n"},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := typeset(tt.in); got != tt.want {
				t.Errorf("prose(%q):\n%s\nwant:\n%s", tt.in, got, tt.want)
			}
		})
	}
}

// FuzzProse: whatever a help text holds, roff gets no request that is not ours,
// and no word is lost or added.
func FuzzProse(f *testing.F) {
	f.Add("one\ntwo\n\n  a   b\n\n- c\n  d\n#### e")
	f.Add(".SH x\n'br\n\\fB\\n\n- .x\n\t.y\n# .z")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\r\v\f\u0085\u00a0\u2028\u2029") {
			t.Skip("no help text has other white space")
		}
		got := typeset(text)
		var words []string
		for l := range strings.Lines(got) {
			request, rest, _ := strings.Cut(strings.TrimRight(l, "\n"), " ")
			switch {
			case !strings.HasPrefix(l, ".") && !strings.HasPrefix(l, "'"):
				words = append(words, strings.Fields(unescape(l))...)
			case request == ".SS":
				words = append(words, strings.Fields(unescape(rest))...)
			case !slices.Contains([]string{".PP", ".RS", ".RE", ".EX", ".EE", ".IP"}, request):
				t.Errorf("request %q of:\n%s", l, got)
			}
		}
		if want := strings.Fields(unmarked(text)); !slices.Equal(words, want) {
			t.Errorf("words of %q: %q, want %q, in:\n%s", text, words, want, got)
		}
	})
}

func typeset(text string) string {
	var b strings.Builder
	prose(&b, text)
	return b.String()
}

// unmarked is a help text without the marks of its items and headings.
func unmarked(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n\t ")
		if strings.HasPrefix(l, "- ") {
			l = l[2:]
		} else if strings.HasPrefix(l, "#") {
			l = strings.TrimLeft(l, "# ")
		}
		b.WriteString(l + "\n")
	}
	return b.String()
}

func unescape(s string) string {
	return strings.NewReplacer(`\&`, "", `\e`, `\`, `\-`, "-", `\(aq`, "'", `\(ga`, "`", `\(ha`, "^", `\(ti`, "~", `\(dq`, `"`).Replace(s)
}
