package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// toTry fits a screen of 24 lines.
const toTry = `
Everything is still running. To try in another terminal:

  # through dvproxy, without a token
  curl %[1]s/api/data/v9.2/WhoAmI
  curl '%[1]s/api/data/v9.2/accounts?$select=name&$top=3'
  curl -i %[1]s/api/data/v9.2/accounts \
       -H 'Content-Type: application/json' -d '{"name":"By hand"}'
  # straight to Dataverse, without a token: 401
  curl -i %[2]s/api/data/v9.2/WhoAmI
  # revoke all tokens; or refuse one request; or let Entra fail three times;
  # then ask dvproxy again
  curl -X POST %[3]s/tokens/revoke
  curl %[3]s/faults/dataverse \
       -d '{"kind":"unauthorized","count":1}'
  curl %[3]s/faults/entra -d '{"kind":"status","count":3}'
  # what the simulator counted; how dvproxy is (or /status.json, /metrics)
  curl %[3]s/stats
  curl %[4]s/readyz

Ctrl-C ends it. What dvproxy logs:

`

// keep leaves everything running until ctx ends.
func keep(ctx context.Context, st *stage, out io.Writer) {
	fmt.Fprintf(out, toTry, st.proxy.origin, st.proxied.DataverseURL, st.proxied.ControlURL, st.proxy.admin)
	st.level.Set(slog.LevelInfo)
	st.log.follow(out)
	<-ctx.Done()
	fmt.Fprintln(out)
}
