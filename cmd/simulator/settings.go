package main

import (
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"dvproxy/internal/simulator"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// settings is what the command line says.
type settings struct {
	options         simulator.Options
	listen          simulator.ListenOptions
	certFile        string
	keyFile         string
	entraFaults     []simulator.Fault
	dataverseFaults []simulator.Fault
	logLevel        slog.Level
	asJSON          bool
}

const introduction = `A stand-in tenant: imitates Microsoft Entra's token endpoint and a Dataverse
environment on this machine, faults included. It prints the variables that
dvproxy needs to use it, and serves until it is interrupted.

    go run ./cmd/simulator                              # in one terminal
    go run ./cmd/simulator --token-lifetime 20s         # tokens that die while you watch
    curl localhost:7182/stats                           # what happened so far
    curl -X POST localhost:7182/tokens/revoke           # make every token useless
    curl localhost:7182/faults/dataverse -d '{"kind":"throttle","retry_after":"3s","count":5}'
    dvproxy lifetime show --graph-url http://localhost:7183
    curl localhost:7182/                                # all calls of the control endpoint

Flags:
`

// parse reads the command line; all that is wrong with it is in the error.
func parse(args []string, stdout, stderr io.Writer) (settings, error) {
	var s settings
	fs := flag.NewFlagSet("simulator", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&s.listen.Entra, "entra-listen", "localhost:7180", "`address` of Entra; port 0 takes a free one")
	fs.StringVar(&s.listen.Dataverse, "dataverse-listen", "localhost:7181", "`address` of Dataverse")
	fs.StringVar(&s.listen.Graph, "graph-listen", "localhost:7183", "`address` of Microsoft Graph, for dvproxy lifetime")
	fs.StringVar(&s.listen.Control, "control-listen", "localhost:7182", "`address` of the control endpoint")
	fs.StringVar(&s.certFile, "cert-file", "", "PEM `file` with a certificate: Entra and Dataverse speak https")
	fs.StringVar(&s.keyFile, "key-file", "", "PEM `file` with its key")
	fs.StringVar(&s.options.TenantID, "tenant", simulator.DefaultTenantID, "the directory's `id`")
	fs.StringVar(&s.options.ClientID, "client-id", simulator.DefaultClientID, "the application's `id`")
	fs.StringVar(&s.options.ClientSecret, "client-secret", simulator.DefaultClientSecret, "the `secret` that Entra accepts; made up, opens nothing else")
	fs.DurationVar(&s.options.TokenLifetime, "token-lifetime", simulator.DefaultTokenLifetime, "how long a token is good for")
	fs.IntVar(&s.options.PageSize, "page-size", simulator.DefaultPageSize, "`rows` in a page where the client names no number")
	fs.Int64Var(&s.options.KeptFile, "kept-file", simulator.DefaultKeptFile, "`bytes` of the largest file that is kept to be downloaded again; a larger one comes back as zeros")
	fs.IntVar(&s.options.Limits.Requests, "limit-requests", 0, "service protection: `requests` per window, 0 for no limit")
	fs.IntVar(&s.options.Limits.Concurrent, "limit-concurrent", 0, "service protection: `requests` at one time, 0 for no limit")
	fs.DurationVar(&s.options.Limits.Window, "limit-window", 0, "service protection: length of the window, 0 for 300s")
	fs.Func("entra-fault", "make the token endpoint go wrong, as `JSON`: {\"kind\":\"status\",\"status\":503,\"count\":3}; may be repeated", addFault(&s.entraFaults))
	fs.Func("dataverse-fault", "make Dataverse go wrong, as `JSON`: {\"kind\":\"delay\",\"delay\":\"200ms\"}; may be repeated", addFault(&s.dataverseFaults))
	fs.TextVar(&s.logLevel, "log-level", slog.LevelWarn, "`level` of the log on standard error: debug has a line per request")
	fs.BoolVar(&s.asJSON, "json", false, "print one line of JSON in place of the variables")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			help(fs, stdout)
		}
		return s, err
	}
	s.options.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: s.logLevel}))
	return s, s.check(fs.Args())
}

func addFault(list *[]simulator.Fault) func(string) error {
	return func(text string) error {
		f, err := simulator.ParseFault([]byte(text))
		*list = append(*list, f)
		return err
	}
}

func (s *settings) check(rest []string) error {
	var wrong []error
	if len(rest) > 0 {
		wrong = append(wrong, fmt.Errorf("%q is too much: there are flags only, see --help", rest))
	}
	if s.options.TokenLifetime <= 0 {
		wrong = append(wrong, errors.New("--token-lifetime must be more than 0"))
	}
	if s.options.PageSize <= 0 {
		wrong = append(wrong, errors.New("--page-size must be more than 0"))
	}
	if s.certFile != "" || s.keyFile != "" {
		cert, err := tls.LoadX509KeyPair(s.certFile, s.keyFile)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("read --cert-file and --key-file: %w", err))
		}
		s.listen.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	}
	return errors.Join(wrong...)
}

// help prints the flags with two dashes and their defaults.
func help(fs *flag.FlagSet, out io.Writer) {
	var b strings.Builder
	b.WriteString(introduction)
	fs.VisitAll(func(f *flag.Flag) {
		name, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(&b, "  %s\n        %s", strings.TrimSpace("--"+f.Name+" "+name), usage)
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "0s" && f.DefValue != "false" {
			fmt.Fprintf(&b, " (default %s)", f.DefValue)
		}
		b.WriteString("\n")
	})
	_, _ = io.WriteString(out, b.String())
}
