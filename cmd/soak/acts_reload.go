package main

import (
	"context"
	"fmt"
	"syscall"
)

// reloadActs change the configuration under dvproxy.
func reloadActs() []act {
	return []act{{name: "configuration reloaded", last: short, do: reloads}}
}

// reloads has good configurations and bad ones read in turn.
func reloads(ctx context.Context, st *stage) error {
	for n, settings := range []struct {
		more string
		good bool
	}{
		{"    renew_at: 0.5\n    max_concurrent: 20\n", true},
		{"    renew_at: 5\n", false},
		{"    affinity: spread\n    aliases: [https://alias.example]\n", true},
		{"    - [", false},
		{"", true},
	} {
		result := "refused"
		if settings.good {
			result = "ok"
		}
		before := st.reloaded(ctx, result)
		if err := st.program.configure(settings.more); err != nil {
			return err
		}
		if err := st.program.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			return nil //nolint:nilerr // Windows has no such signal
		}
		if !st.until(ctx, mendLimit, func() bool { return st.reloaded(ctx, result) > before }) && ctx.Err() == nil {
			return fmt.Errorf("configuration %d was not read, or not as %s", n, result)
		}
	}
	return nil
}

// reloaded is how often the configuration was read with a result.
func (st *stage) reloaded(ctx context.Context, result string) float64 {
	text, err := st.program.metrics(ctx)
	if err != nil {
		return 0
	}
	return sum(text, `dvproxy_config_reloads_total{result="`+result+`"}`)
}
