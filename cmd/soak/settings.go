package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"
)

// settings is what the command line says.
type settings struct {
	duration time.Duration // of the rounds; the first is always whole
	seed     uint64
	clients  int
	cuts     int    // above 0: only these
	http2    bool   // of cuts: under HTTP/2 in TLS
	proxy    string // the program; empty to build it
	race     bool   // build it with the race detector
}

const help = `Drives the built dvproxy through faults for as long as you like, against a simulated
tenant: nothing of yours is touched. Run it in the folder of dvproxy's source.

    go run ./cmd/soak                          # five minutes
    go run ./cmd/soak --duration 30m --race
    go run ./cmd/soak --cuts 100000            # cut connections, and nothing else
    go run ./cmd/soak --seed 7                 # what a run that printed this seed did

The faults: a sign-in service that is slow, down or refuses, revoked tokens, throttling,
502 to 504, broken connections and answers, stalled uploads, clients that leave,
configurations that are reloaded, restarts. Clients create, update, read, send batches
and files meanwhile; every write has a name of its own, so that the simulated
Dataverse sees one that is done twice.

It ends with a table, and with exit code 0 if every promise held: 1 if one was
broken or it could not run, 2 for a wrong command line, 130 if interrupted. Broken
promises are a 401 that a client saw, a row written twice, an acknowledged one that is
lost, a row written of which the client was told that it was not, a failure that the
README does not allow at that moment, a fault that never struck, and growth of
descriptors, goroutines or memory beyond the bounds in the table. Each is named with
the faults during which it happened, and dvproxy's log is kept.

The clock cannot be set for one process, so clock steps are not in it: they are
tested in internal/tokencache.

With --cuts N clients send POSTs, and the connections that carry them to Dataverse are
cut N times, at every kind of place in request and answer, by FIN and by RST, new and
used ones. No POST may be executed twice, and each that was answered 2xx must have been
executed.

Flags:
  --duration 5m    how long; the first round of all faults is always finished
  --seed N         order and details of the faults; without it one is chosen and printed
  --clients 6      how many clients there are
  --cuts N         cut N connections, and nothing else
  --http2          with --cuts: Dataverse speaks HTTP/2 in TLS, and the cuts are between
                   any two bytes
  --proxy FILE     the dvproxy to test; without it one is built (needs Go)
  --race           build it with the race detector (needs a C compiler)
  --help           print this
`

// String is the command line that says the same.
func (s settings) String() string {
	text := fmt.Sprintf(" --seed %d", s.seed)
	if s.cuts > 0 {
		text += fmt.Sprintf(" --cuts %d", s.cuts)
	} else {
		text += fmt.Sprintf(" --duration %v --clients %d", s.duration, s.clients)
	}
	if s.http2 {
		text += " --http2"
	}
	if s.proxy != "" {
		text += " --proxy " + strconv.Quote(s.proxy)
	}
	if s.race {
		text += " --race"
	}
	return text
}

// parse reads the command line; all that is wrong with it is in the error.
func parse(args []string, stdout io.Writer) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("soak", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.DurationVar(&s.duration, "duration", 5*time.Minute, "")
	fs.Uint64Var(&s.seed, "seed", 0, "")
	fs.IntVar(&s.clients, "clients", 6, "")
	fs.IntVar(&s.cuts, "cuts", 0, "")
	fs.BoolVar(&s.http2, "http2", false, "")
	fs.StringVar(&s.proxy, "proxy", "", "")
	fs.BoolVar(&s.race, "race", false, "")
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
	if s.clients < 1 || s.clients > 50 {
		wrong = append(wrong, errors.New("--clients must be 1 to 50"))
	}
	if s.cuts < 0 {
		wrong = append(wrong, errors.New("--cuts must not be below 0"))
	}
	if s.http2 && s.cuts == 0 {
		wrong = append(wrong, errors.New("--http2 goes with --cuts only"))
	}
	if s.seed == 0 {
		s.seed = uint64(time.Now().UnixNano()) % 1e9
	}
	return s, errors.Join(wrong...)
}
