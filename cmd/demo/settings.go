package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// settings is what the command line says.
type settings struct {
	duration      time.Duration // of the push
	tokenLifetime time.Duration
	keep          bool
}

const help = `Shows what dvproxy is for. A client pushes rows into Dataverse all night; its token
lives for an hour, here for 5 s. The same push runs twice, side by side, each
against a simulated environment of its own:

  straight to Dataverse   the client fetches a token once, as such clients do,
                          and gets nothing but 401 from the moment it has died
  through dvproxy         the client knows nothing of tokens; dvproxy adds one
                          and renews it long before it dies

It ends with a verdict, and with exit code 0 if all that it promises was seen:
1 if a promise was broken, 2 for a wrong command line, 130 if interrupted.

  go run ./cmd/demo                        # half a minute; needs nothing but Go
  go run ./cmd/demo --keep                 # then try it yourself, with curl
  go run ./cmd/demo --duration 60s --token-lifetime 10s
  go run ./cmd/demo | cat                  # plain lines; so does TERM=dumb

Flags:
  --duration 25s         how long the push runs; longer than a token's life, or
                         there is nothing to see and the exit code is 1
  --token-lifetime 5s    how long a token lives, in whole seconds
  --keep                 leave everything running after the verdict, until Ctrl-C
  --help                 print this

NO_COLOR (not empty) turns the colours off.
`

// parse reads the command line; all that is wrong with it is in the error.
func parse(args []string, stdout io.Writer) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("demo", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.DurationVar(&s.duration, "duration", 25*time.Second, "")
	fs.DurationVar(&s.tokenLifetime, "token-lifetime", 5*time.Second, "")
	fs.BoolVar(&s.keep, "keep", false, "")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			_, _ = io.WriteString(stdout, help)
			return s, err
		}
		return s, fmt.Errorf("%w; see --help", err)
	}
	var wrong []error
	if fs.NArg() > 0 {
		wrong = append(wrong, fmt.Errorf("%q is too much: there are flags only, see --help", fs.Args()))
	}
	if s.duration <= 0 {
		wrong = append(wrong, errors.New("--duration must be more than 0"))
	}
	if s.tokenLifetime < time.Second || s.tokenLifetime%time.Second != 0 {
		wrong = append(wrong, errors.New("--token-lifetime must be whole seconds, 1s at least"))
	}
	return s, errors.Join(wrong...)
}
