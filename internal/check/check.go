// Package check tries, step by step, what a proxy needs of one environment: the
// network, the clocks, the sign-in, and a first call. Each step that fails says
// what that means and what to do, since the person who reads it has often not
// set up any of this.
//
// A check sends one request without a token, fetches one token, and sends one
// request with it, GET WhoAmI. It changes nothing.
package check

import (
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// An Environment is what is checked.
type Environment struct {
	URL       *url.URL // origin of the environment
	Aliases   []string // other origins that a token may be for
	TenantID  string   // as configured; empty if it is not known
	Authority *url.URL // token endpoint; nil if tokens come from the machine
	Listen    string   // as configured
	Open      bool     // every account that reaches the listener may use it
	Warnings  []string // of the configuration

	// SignIn fetches a token and tells how long it lives. Its error says what
	// to mend; one with the methods What and Mend says it apart from the rest.
	SignIn func(context.Context) (token string, lifetime time.Duration, err error)
	// Expires is when the certificate expires that SignIn has used; zero if it
	// uses none.
	Expires func() time.Time
	// Roots are whom both servers are checked against; nil: the system's.
	Roots *x509.CertPool
}

// A State is how a step went.
type State string

// The states of a step.
const (
	OK      State = "ok"
	Warning State = "warning" // it works, but look at it
	Failed  State = "failed"
	Skipped State = "skipped" // there was no point, after what failed before
)

// A Step is one thing that was tried.
type Step struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail,omitempty"` // what was found
	Remedy string `json:"remedy,omitempty"` // what to do about it
}

// limit is the longest that one step may take.
const limit = 20 * time.Second

// Run tries one environment, and reports each step as it is done. It reports
// whether none failed.
func Run(ctx context.Context, e Environment, report func(Step)) bool {
	r := &run{environment: e, report: report, ok: true, client: &http.Client{
		Timeout:       limit,
		Transport:     newTransport(e.Roots),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	defer r.client.CloseIdleConnections()
	r.settings()
	r.listener()
	reached := r.reach(ctx, "environment", e.URL.JoinPath("/api/data/v9.2/WhoAmI"), r.challenge)
	if e.Authority != nil {
		r.reach(ctx, "authority", &url.URL{Scheme: e.Authority.Scheme, Host: e.Authority.Host, Path: "/"}, nil)
	}
	token := r.signIn(ctx)
	r.certificate()
	switch {
	case token == "":
		r.skip("whoami", "there is no token")
	case !reached:
		r.skip("whoami", "the environment is not reached")
	default:
		r.whoAmI(ctx, token)
	}
	return r.ok
}

// A run is one environment's check while it goes on.
type run struct {
	environment Environment
	client      *http.Client
	report      func(Step)
	ok          bool
}

func (r *run) step(name string, state State, detail, remedy string) {
	if state == Failed {
		r.ok = false
	}
	r.report(Step{name, state, detail, remedy})
}

func (r *run) pass(name, detail string)         { r.step(name, OK, detail, "") }
func (r *run) warn(name, detail, remedy string) { r.step(name, Warning, detail, remedy) }
func (r *run) fail(name, detail, remedy string) { r.step(name, Failed, detail, remedy) }
func (r *run) skip(name, why string)            { r.step(name, Skipped, why, "") }

func (r *run) settings() {
	if len(r.environment.Warnings) == 0 {
		r.pass("settings", "complete, and nothing contradicts")
	}
	for _, w := range r.environment.Warnings {
		r.warn("settings", w, "")
	}
}

func (r *run) listener() {
	switch listen, socket := r.environment.Listen, strings.HasPrefix(r.environment.Listen, "unix:"); {
	case r.environment.Open && socket:
		r.warn("listener", "every account may write to "+listen+", and acts as the application", "if other accounts use this machine, set clients, or a socket_mode for fewer of them")
	case r.environment.Open:
		r.warn("listener", "every account that reaches "+listen+" acts as the application",
			"if other accounts use this machine, set clients, or listen on a Unix socket")
	case socket:
		r.pass("listener", "not every account reaches "+listen)
	default:
		r.pass("listener", listen+" asks its clients who they are")
	}
}

func (r *run) certificate() {
	const soon = 30 * 24 * time.Hour
	var at time.Time
	if r.environment.Expires != nil {
		at = r.environment.Expires()
	}
	switch left := time.Until(at); {
	case at.IsZero():
	case left < 0:
		r.fail("certificate", "it expired on "+at.UTC().Format(time.DateOnly), "register a new certificate with the application, and replace the file")
	case left < soon:
		r.warn("certificate", "it expires on "+at.UTC().Format(time.DateOnly), "register a new certificate with the application, then replace the file; dvproxy takes it up by itself")
	default:
		r.pass("certificate", "good until "+at.UTC().Format(time.DateOnly))
	}
}
