// Package manpage writes a man page for each command of a program, from the
// tree that cobra knows: in the words of --help, so that no page says anything
// else, and none is forgotten.
//
// cobra has such a writer too, by way of Markdown and a parser for it; see
// docs/decisions/023.
package manpage

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A Page is the man page of one command, for section 1.
type Page struct {
	File string // dvproxy-run.1
	Text []byte // in roff, with the macros of man(7) and groff's EX and EE
}

// Pages returns a page for the root and for each command under it that --help
// lists, but for help itself. The version stands at the foot of each. There is
// no date: one source makes one text, whenever that is done.
func Pages(root *cobra.Command, version string) []Page {
	var pages []Page
	for _, cmd := range withChildren(root) {
		cmd.InitDefaultHelpFlag()
		pages = append(pages, Page{File: name(cmd) + ".1", Text: text(cmd, version)})
	}
	return pages
}

// withChildren is a command and all under it, parents first.
func withChildren(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, child := range children(cmd) {
		all = append(all, withChildren(child)...)
	}
	return all
}

// children are the commands right under cmd that have pages.
func children(cmd *cobra.Command) (listed []*cobra.Command) {
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() && child.Name() != "help" {
			listed = append(listed, child)
		}
	}
	return listed
}

// name is what man is asked for: dvproxy-run.
func name(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func text(cmd *cobra.Command, version string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH \"%s\" 1 \"\" \"%s\" \"User Commands\"\n", escape(strings.ToUpper(name(cmd))), escape(cmd.Root().Name()+" "+version))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", escape(name(cmd)), escape(cmd.Short))
	b.WriteString(".SH SYNOPSIS\n")
	if cmd.Runnable() {
		fmt.Fprintf(&b, ".B %s\n", escape(cmd.UseLine()))
	}
	if len(children(cmd)) > 0 {
		fmt.Fprintf(&b, ".br\n.B %s\n", escape(cmd.CommandPath()+" [command]"))
	}
	b.WriteString(".SH DESCRIPTION\n")
	prose(&b, orElse(cmd.Long, cmd.Short+"."))
	if cmd.HasExample() {
		b.WriteString(".SH EXAMPLES\n")
		prose(&b, cmd.Example)
	}
	if len(children(cmd)) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, child := range children(cmd) {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", escape(child.Name()), escape(child.Short))
		}
	}
	flags(&b, "OPTIONS", cmd.LocalFlags())
	flags(&b, "GLOBAL OPTIONS", cmd.InheritedFlags())
	seeAlso(&b, cmd)
	return []byte(b.String())
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}

// flags writes what --help says of each flag, under a heading.
func flags(b *strings.Builder, heading string, set *pflag.FlagSet) {
	if !set.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", heading)
	set.VisitAll(func(f *pflag.Flag) {
		alone := pflag.NewFlagSet("", pflag.ContinueOnError)
		alone.AddFlag(f)
		// --help parts the flag from its meaning by three spaces.
		if flag, usage, ok := strings.Cut(strings.TrimSpace(alone.FlagUsages()), "   "); ok {
			fmt.Fprintf(b, ".TP\n.B %s\n%s\n", escape(flag), line(usage))
		}
	})
}

// seeAlso points to the pages above and under this one.
func seeAlso(b *strings.Builder, cmd *cobra.Command) {
	var others []string
	if cmd.HasParent() {
		others = append(others, name(cmd.Parent()))
	}
	for _, child := range children(cmd) {
		others = append(others, name(child))
	}
	for i, other := range others {
		if i == 0 {
			b.WriteString(".SH SEE ALSO\n")
		}
		comma := ","
		if i == len(others)-1 {
			comma = ""
		}
		fmt.Fprintf(b, ".BR %s (1)%s\n", escape(other), comma)
	}
}
