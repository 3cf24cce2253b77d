package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"dvproxy/internal/config"
)

func newRun() *cobra.Command {
	limit := 30 * time.Second
	cmd := &cobra.Command{
		Use:   "run [flags] -- CMD [ARG...]",
		Short: "Run a command with a dvproxy of its own, and exit with its code",
		Long: `run starts a proxy on a free port, waits until it holds a token, and runs CMD with
DATAVERSE_URL and DVPROXY_URL set to the proxy's origin (and DVPROXY_URL_NAME for each
environment, if there are several). When CMD has ended, so do the proxy and, on Linux
and Windows, whatever CMD has left running.

  dvproxy run -- ./nightly-import --since yesterday
  dvproxy run --max 2m -- sh -c 'curl -sf "$DATAVERSE_URL/api/data/v9.2/WhoAmI"'

- CMD has the terminal, or whatever standard input, output and error are. Of dvproxy's
  own log it sees warnings, unless --log-level or the file say otherwise.
- CMD does not see the credential: variables that hold one or name its file are taken
  out of its environment, and so are all DVPROXY_* but those above.
- Each listener takes a free port, whatever the file says, unless --listen or --admin
  (DVPROXY_LISTEN, DVPROXY_ADMIN) name one. So two runs do not collide.
- Signals are passed on to CMD, SIGTERM and Ctrl-C included; dvproxy stays until CMD ends.

The exit code is CMD's own, or 128+n if signal n ended it; 127 if there is no such
command, 126 if it cannot be run; 1 if there was no token within --max, in which case
CMD was not started; 2 for a mistake in the configuration.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("say what to run: dvproxy run -- CMD [ARG...]")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit <= 0 {
				return usageError{errors.New("--max must be more than 0, for example 30s: CMD is started once there is a token")}
			}
			passed := newSignals()
			defer passed.stop()
			c, err := loadForRun(cmd)
			if err != nil {
				return err
			}
			path, err := exec.LookPath(args[0])
			if err != nil {
				return cannotStart(args[0], err)
			}
			r := &wrapper{path: path, args: args, limit: limit, stdin: cmd.InOrStdin(), stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr(), signals: passed}
			return r.run(c)
		},
	}
	cmd.Flags().SetInterspersed(false) // what follows CMD is CMD's
	cmd.Flags().DurationVar(&limit, "max", limit, "longest wait for a token before CMD is started")
	return cmd
}

// loadForRun loads the configuration of a proxy that serves one command.
func loadForRun(cmd *cobra.Command) (*config.Config, error) {
	if cmd.Flags().Changed("exit-after-idle") {
		return nil, usageError{errors.New("--exit-after-idle is not for run: dvproxy exits when CMD has")}
	}
	c, err := loadWith(cmd, map[string]string{"log.level": "warn"})
	if err != nil {
		return nil, err
	}
	const free = "localhost:0"
	if !isTold(cmd, "listen") {
		for i := range c.Environments {
			c.Environments[i].Listen = free
			c.Environments[i].PublicURL = "" // is where others find the listener of the file
		}
	} else if strings.HasPrefix(c.Environments[0].Listen, "unix:") {
		return nil, usageError{errors.New("--listen: run needs a TCP address, since a Unix socket has no URL for DATAVERSE_URL; leave it out for a free port")}
	}
	if !isTold(cmd, "admin") && !c.Admin.Off() {
		c.Admin.Listen = free
	}
	c.Admin.Quit = false // it is CMD's end that counts
	c.Drain.Delay, c.Drain.ExitAfterIdle = 0, 0
	return c, nil
}

// A wrapper is one run of a command beside its proxy.
type wrapper struct {
	path           string
	args           []string // the command's, its name first
	limit          time.Duration
	stdin          io.Reader
	stdout, stderr io.Writer
	signals        *signals
}

// run returns nil or the exit code that is not 0.
func (r *wrapper) run(c *config.Config) error {
	log, closeLog, err := openLog(r.stderr, c.Log)
	if err != nil {
		return err
	}
	defer closeLog()
	s, err := newService(context.Background(), c, log)
	if err != nil {
		return err
	}
	s.own = true
	for _, e := range s.environments {
		e.server.grace = 0 // once the command has ended nobody else is there
	}
	ended, end := context.WithCancelCause(context.Background())
	atOnce, hurry := context.WithCancelCause(context.Background())
	defer hurry(nil)
	served := make(chan error, 1)
	go func() { served <- s.run(orders{told: ended, atOnce: atOnce}) }()

	code, failed := r.command(s)
	end(fmt.Errorf("%s has ended", r.args[0]))
	defer r.signals.each(func(syscall.Signal) { hurry(errAtOnce) })()
	err = <-served
	switch {
	case failed != nil || code != 0:
		if err != nil {
			s.log.Error("the proxy did not end well", slog.Any("error", err))
		}
		return exitError{code, failed}
	case errors.Is(err, errAtOnce): // the command was done
		return nil
	}
	return err
}

// command runs the command once there is a token, and returns its exit code or,
// with an error, the code for a command that did not run.
func (r *wrapper) command(s *service) (code int, err error) {
	if code, err := r.awaitToken(s); err != nil || code != 0 {
		return code, err
	}
	child, err := startChild(r, commandEnv(s))
	if err != nil {
		e := cannotStart(r.args[0], err)
		return e.code, e.err
	}
	s.reporter.ready()
	defer r.signals.each(child.pass)()
	// A proxy that fails takes the command with it: it would only go on to fail.
	defer context.AfterFunc(s.leave.told, func() { child.pass(terminate) })()
	return child.wait(), nil
}

// An exitError ends the program with a code of its own, and without a word if
// err is nil.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return fmt.Sprintf("exit code %d: %v", e.code, e.err) }
func (e exitError) Unwrap() error { return e.err }
