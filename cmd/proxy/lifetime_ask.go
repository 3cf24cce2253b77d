package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var errNeedsYes = usageError{errors.New("there is no terminal to ask on: say --yes if all Dataverse environments of the tenant are to be changed")}

// canAsk tells whether in is a terminal. So looks the null device, which is the
// standard input of services and scheduled jobs.
func canAsk(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok || !isTerminal(f) {
		return false
	}
	info, err := f.Stat()
	null, nullErr := os.Stat(os.DevNull)
	return err == nil && (nullErr != nil || !os.SameFile(info, null))
}

// confirm says whom the change affects, and asks unless --yes was given.
func (c *lifetimeChange) confirm(ctx context.Context, in io.Reader, stderr io.Writer) error {
	fmt.Fprintln(stderr, "This affects every application user and every other client of all Dataverse environments in the tenant.")
	if c.yes {
		return nil
	}
	fmt.Fprint(stderr, "Go on? [y/N] ")
	type line struct {
		text string
		err  error
	}
	read := make(chan line, 1) // a read from a terminal cannot be broken off
	go func() {
		text, err := bufio.NewReader(in).ReadString('\n')
		read <- line{strings.ToLower(strings.TrimSpace(text)), err}
	}()
	select {
	case <-ctx.Done():
		return errors.New("interrupted; nothing was changed")
	case l := <-read:
		switch {
		case l.text == "y" || l.text == "yes":
			return nil
		case l.text == "" && errors.Is(l.err, io.EOF):
			return errNeedsYes
		}
		return errors.New("nothing was changed")
	}
}

// takeBack is the command that undoes a set, with the flags that it was given.
// The value of --graph-token-command is left out: a shell may have put a token
// in it.
func takeBack(cmd *cobra.Command) string {
	command := "dvproxy lifetime clear"
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "yes", "dry-run", "print", "wait":
		case "graph-token-command":
			command += " --graph-token-command ..."
		default:
			command += " --" + f.Name + " " + shellWord(f.Value.String())
		}
	})
	return command
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// shellWord quotes text for a POSIX shell where that is needed.
func shellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
