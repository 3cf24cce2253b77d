package lifetime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	commandLimit  = time.Minute
	mostOfCommand = 256 << 10 // bytes of its output
)

// CommandTokens gets tokens from a command, which prints the token alone, as a
// JSON string, or in the JSON of az account get-access-token.
//
// The command is run without a shell: it is split at white space, quotes of
// either kind keep words together, and nothing else is special. Nothing of what
// it prints is shown, not even when it fails. The lifetime is always 0.
func CommandTokens(command string) (Tokens, error) {
	words, err := split(command)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (string, time.Duration, error) {
		token, err := runCommand(ctx, words)
		return token, 0, err
	}, nil
}

func runCommand(ctx context.Context, words []string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	name := filepath.Base(words[0])
	cmd := exec.CommandContext(limited, words[0], words[1:]...) //nolint:gosec // the user's own command
	cmd.WaitDelay = time.Second
	out := &bounded{}
	cmd.Stdout = out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case limited.Err() != nil:
		return "", fmt.Errorf("the command %s did not end within %v", name, commandLimit)
	case errors.As(err, &exit):
		return "", fmt.Errorf("the command %s failed (%v): run it yourself to see why; what it prints is not shown here, since it may be a token", name, exit.ProcessState)
	case err != nil:
		return "", fmt.Errorf("the command %s cannot be run: is it installed and in PATH? (%w)", name, err)
	}
	token := printed(out.kept.Bytes())
	if token == "" || out.over {
		return "", fmt.Errorf("the command %s printed no token: it is to print the token alone, or the JSON of az account get-access-token", name)
	}
	return token, nil
}

// printed is the token in what a command printed, empty if there is none.
func printed(out []byte) string {
	out = bytes.TrimSpace(bytes.TrimPrefix(out, []byte("\xef\xbb\xbf")))
	token := string(out)
	switch {
	case bytes.HasPrefix(out, []byte("{")):
		var answer struct {
			Azure string `json:"accessToken"`
			OAuth string `json:"access_token"`
		}
		if json.Unmarshal(out, &answer) != nil {
			return ""
		}
		if token = answer.Azure; token == "" {
			token = answer.OAuth
		}
	case bytes.HasPrefix(out, []byte(`"`)):
		if json.Unmarshal(out, &token) != nil {
			return ""
		}
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "" // no header can carry it
	}
	return token
}

// split takes a command line apart: words are parted by white space, and what
// is in single or double quotes belongs to one word.
func split(line string) (words []string, err error) {
	var word strings.Builder
	var quote rune
	begun := false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && strings.ContainsRune(" \t\r\n", r):
			if begun {
				words = append(words, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	switch {
	case quote != 0:
		return nil, errors.New("the command has a quote that does not end")
	case len(words) == 0 || words[0] == "":
		return nil, errors.New("the command is empty")
	}
	return words, nil
}

// bounded keeps what a command prints, up to mostOfCommand. The buffer is not
// embedded, since its ReadFrom knows no bound.
type bounded struct {
	kept bytes.Buffer
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.kept.Len()+len(p) > mostOfCommand {
		b.over = true
		return len(p), nil
	}
	return b.kept.Write(p)
}
