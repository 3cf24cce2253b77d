// Package admin shows an operator how dvproxy is: whether it lives, whether it
// is ready, its metrics and its state.
//
//	GET /livez        200 while the process serves
//	GET /readyz       200 when every environment holds a live token and the process
//	                  was not told to stop, else 503
//	GET /readyz?environment=NAME   the same for one
//	GET /metrics      for Prometheus
//	GET /status.json  all that is known
//	GET /             the same for people
//	POST /quitquitquit  ends the process in good order, if that is allowed
//
// A connection that comes from another machine (a kubelet's probe, a
// Prometheus) is shown the first four only. Nothing here holds a secret, a
// token, or anything of a request.
package admin

import (
	"encoding/json"
	"net"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
)

// An Environment is one of the things to show.
type Environment struct {
	Name   string
	URL    string       // of the environment
	Listen string       // origin that clients use
	Token  func() Token // its state now
}

// A Token is the state of an environment's token. Times are zero where there
// is none.
type Token struct {
	Live      bool
	Expires   time.Time
	Runway    time.Duration // until it is dead
	Renews    time.Time     // when the next fetch is due
	Renewals  int
	Failures  int
	LastError string // of the latest fetch; empty if it brought a token
}

// Options say what is shown.
type Options struct {
	Environments []Environment
	Metrics      *Metrics
	Version      string
	Started      time.Time

	// Draining says whether the process has been told to stop: it is not ready
	// then. Default: it has not.
	Draining func() bool
	// Quit tells the process to stop, and does not wait for it. Default: nobody
	// may tell it here.
	Quit func()
}

// New returns the handler of the admin listener. It stands behind a guard
// that lets pass, for any host, what [IsProbe] names.
func New(o Options) http.Handler {
	if o.Draining == nil {
		o.Draining = func() bool { return false }
	}
	r := chi.NewRouter()
	r.Get("/livez", livez)
	r.Get("/readyz", o.readyz)
	r.Method(http.MethodGet, "/metrics", o.Metrics.handler())
	r.With(localOnly).Get("/status.json", o.status)
	r.With(localOnly).Method(http.MethodGet, "/", o.page())
	r.With(localOnly).Post("/quitquitquit", o.quit)
	return r
}

func livez(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

type readiness struct {
	Name    string     `json:"name"`
	Ready   bool       `json:"ready"`
	Expires *time.Time `json:"token_expires,omitempty"`
	Error   string     `json:"error,omitempty"`
}

func (o Options) readyz(w http.ResponseWriter, r *http.Request) {
	one := r.URL.Query().Get("environment")
	all := struct {
		Ready        bool        `json:"ready"`
		Draining     bool        `json:"draining,omitempty"`
		Environments []readiness `json:"environments"`
	}{Ready: true, Draining: o.Draining(), Environments: []readiness{}}
	for _, e := range o.Environments {
		if one != "" && e.Name != one {
			continue
		}
		t := e.Token()
		all.Ready = all.Ready && t.Live
		all.Environments = append(all.Environments, readiness{e.Name, t.Live, whenSet(t.Expires), t.LastError})
	}
	all.Ready = all.Ready && !all.Draining
	status := http.StatusOK
	switch {
	case one != "" && len(all.Environments) == 0:
		all.Ready = false
		status = http.StatusNotFound
	case !all.Ready:
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, all)
}

type environmentStatus struct {
	Name   string      `json:"name"`
	URL    string      `json:"url"`
	Listen string      `json:"listen"`
	Token  tokenStatus `json:"token"`
}

type tokenStatus struct {
	Live          bool       `json:"live"`
	Expires       *time.Time `json:"expires,omitempty"`
	RunwaySeconds float64    `json:"runway_seconds"`
	Renews        *time.Time `json:"renews,omitempty"`
	Renewals      int        `json:"renewals"`
	Failures      int        `json:"failures"`
	LastError     string     `json:"last_error,omitempty"`
}

func (o Options) status(w http.ResponseWriter, _ *http.Request) {
	s := struct {
		Version       string              `json:"version"`
		UptimeSeconds float64             `json:"uptime_seconds"`
		Environments  []environmentStatus `json:"environments"`
	}{Version: o.Version, UptimeSeconds: time.Since(o.Started).Seconds()}
	for _, e := range o.Environments {
		t := e.Token()
		s.Environments = append(s.Environments, environmentStatus{e.Name, e.URL, e.Listen, tokenStatus{
			t.Live, whenSet(t.Expires), t.Runway.Seconds(), whenSet(t.Renews), t.Renewals, t.Failures, t.LastError,
		}})
	}
	writeJSON(w, http.StatusOK, s)
}

func whenSet(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v)
}

// IsProbe says whether a request comes from another machine, and for what
// those may see. No browser on this machine can have made it.
func IsProbe(r *http.Request) bool {
	switch r.URL.Path {
	case "/livez", "/readyz", "/metrics":
		return !isLocal(r)
	}
	return false
}

// localOnly refuses connections that do not begin and end at this machine.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r) {
			http.Error(w, "only for connections from this machine", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLocal says whether both ends of the connection are loopback addresses.
func isLocal(r *http.Request) bool {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return local != nil && isLoopback(local.String()) && isLoopback(r.RemoteAddr)
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}
