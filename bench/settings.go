package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// settings is what the command line says.
type settings struct {
	rounds  int
	turn    time.Duration
	clients int
	tls     bool
	line    time.Duration // there and back; above 0: only that
	only    []string      // names of proxies; all where empty
	caddy   string        // the program, or its name in PATH
	proxy   string        // dvproxy; built where empty
}

const help = `Compares dvproxy with other reverse proxies in front of one upstream that wants a
bearer token: nginx and HAProxy with a token written into their configuration, Caddy
the same. They take turns, round after round, under the same clients, and what is
compared is the CPU time of the proxy's own processes for each request, as a ratio to
nginx in the same round: the speed of the machine and what else runs on it fall out.
An answer has 1 KiB of JSON with a link, which only dvproxy looks at and maps.

With --line it does something else: a client that opens a new TLS connection for each
request over a line of that length, straight and through dvproxy; and how many bytes
of a page cross that line for a client that does not ask for gzip.

It runs on Linux (processes are looked up in /proc). On Debian: apt-get install
nginx-light haproxy. A program that is missing is named in the table, and left out.
Caddy: go install github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9

Flags:
  --rounds 5      how often each has its turn
  --turn 3s       how long a turn is
  --clients 64    connections, each with one request at a time
  --tls           the upstream speaks https
  --line 40ms     measure over a line of this round trip, and nothing else
  --only NAMES    of nginx,haproxy,caddy,dvproxy; nginx always runs
  --caddy FILE    the Caddy to run; without it the one in PATH
  --proxy FILE    the dvproxy to run; without it one is built (needs Go)
  --help          print this
`

// parse reads the command line; all that is wrong with it is in the error.
func parse(args []string, stdout io.Writer) (settings, error) {
	var s settings
	var only string
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.IntVar(&s.rounds, "rounds", 5, "")
	fs.DurationVar(&s.turn, "turn", 3*time.Second, "")
	fs.IntVar(&s.clients, "clients", 64, "")
	fs.BoolVar(&s.tls, "tls", false, "")
	fs.DurationVar(&s.line, "line", 0, "")
	fs.StringVar(&only, "only", "", "")
	fs.StringVar(&s.caddy, "caddy", "caddy", "")
	fs.StringVar(&s.proxy, "proxy", "", "")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			_, _ = io.WriteString(stdout, help)
			return s, err
		}
		return s, fmt.Errorf("%w; see --help", err)
	}
	var wrong []error
	if fs.NArg() > 0 {
		wrong = append(wrong, fmt.Errorf("unexpected argument %q", fs.Arg(0)))
	}
	if s.rounds < 1 || s.clients < 1 || s.turn < 10*time.Millisecond {
		wrong = append(wrong, errors.New("--rounds and --clients must be 1 or more, --turn 10ms or more"))
	}
	if s.line < 0 || s.line > time.Minute {
		wrong = append(wrong, errors.New("--line must be between 0 and 1m"))
	}
	if only != "" {
		s.only = strings.Split(only, ",")
	}
	for _, name := range s.only {
		if !slices.ContainsFunc(contenders(s), func(c contender) bool { return c.name == name }) {
			wrong = append(wrong, fmt.Errorf("--only: no proxy is called %q", name))
		}
	}
	return s, errors.Join(wrong...)
}
