package supervisor

import (
	"errors"
	"fmt"
	"strings"
)

// wrote begins the line of a unit that names a file which Install wrote. systemd
// leaves sections alone whose names begin with X-. systemd.unit(5).
const (
	ownSection = "[X-dvproxy service install]"
	wrote      = "Wrote="
	execStart  = "\nExecStart="
)

// newUnit makes the unit of a service of the one that packages install: it
// starts another command, and names the files that were written with it.
func newUnit(template string, command, written []string) (string, error) {
	before, after, ok := strings.Cut(template, execStart)
	if !ok {
		return "", errors.New("the unit has no ExecStart")
	}
	_, after, _ = strings.Cut(after, "\n")
	quoted := make([]string, len(command))
	for i, word := range command {
		if strings.ContainsAny(word, "\x00\r\n") {
			return "", fmt.Errorf("%q cannot be on the command line of a service", word)
		}
		quoted[i] = quote(word)
	}
	var b strings.Builder
	b.WriteString(before + execStart + strings.Join(quoted, " ") + "\n" + strings.TrimRight(after, "\n") + "\n\n")
	b.WriteString("# For dvproxy service uninstall.\n" + ownSection + "\n")
	for _, path := range written {
		b.WriteString(wrote + path + "\n")
	}
	return b.String(), nil
}

// quote writes a word as systemd reads it in ExecStart. systemd.service(5),
// command lines; systemd.syntax(7), quoting.
func quote(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`).Replace(word) + `"`
}

// installedCommand is the command of a unit that newUnit made. Ok says whether it
// did.
func installedCommand(unit string) (command []string, ok bool) {
	if _, ok := writtenWith(unit); !ok {
		return nil, false
	}
	_, line, _ := strings.Cut(unit, execStart)
	line, _, _ = strings.Cut(line, "\n")
	return unquote(line), true
}

// unquote reads words as quote writes them, with a space between two.
func unquote(line string) (words []string) {
	var word []byte
	inside := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '"' && inside:
			words, word, inside = append(words, string(word)), nil, false
		case !inside:
			inside = c == '"'
		default:
			if strings.IndexByte(`\%$`, c) >= 0 && i+1 < len(line) { // the next one is meant
				i++
			}
			word = append(word, line[i])
		}
	}
	return words
}

// writtenWith are the files that were written with a unit. Ok says whether
// Install made it.
func writtenWith(unit string) (paths []string, ok bool) {
	_, own, ok := strings.Cut(unit, "\n"+ownSection+"\n")
	for line := range strings.Lines(own) {
		if path, is := strings.CutPrefix(strings.TrimRight(line, "\n"), wrote); is {
			paths = append(paths, path)
		}
	}
	return paths, ok
}
