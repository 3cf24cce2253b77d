package lifetime

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// An Error says in one line what Graph would not do and what to mend. Beside
// words of our own it holds at most the HTTP status, Graph's error code and the
// id of the request, never a token or an answer's text.
type Error struct {
	Status int    // HTTP status; 0 if there was no answer
	Code   string // Graph's error code, such as Authorization_RequestDenied

	// Needs is the permission that the call takes, if Graph refused it for want
	// of one.
	Needs string

	text       string
	retryAfter time.Duration
	cause      error // for errors.Is; its text is never shown
}

func (e *Error) Error() string { return e.text }

// Unwrap returns the cause, which is there for errors.Is only.
func (e *Error) Unwrap() error { return e.cause }

// attempts is how often a call that only reads is made.
const attempts = 4

// again tells whether the same call may be sent again. Of the calls that
// change something only those that Graph has not begun may: it says so by 429,
// and by 503 with a time.
func (e *Error) again(method string, attempt int) bool {
	switch {
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusServiceUnavailable && e.retryAfter > 0:
		return true
	case errors.Is(e.cause, context.Canceled):
		return false
	}
	passing := e.Status == 0 || e.Status >= http.StatusInternalServerError
	return method == http.MethodGet && passing && attempt < attempts
}

func unreachable(ctx context.Context, origin string, c call, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", c.what, ctx.Err())
	}
	what, hint := "no connection to ", "check the network, DNS and certificates, and whether a proxy is needed (HTTPS_PROXY)"
	var t interface{ Timeout() bool }
	if errors.As(err, &t) && t.Timeout() {
		what = "no answer in time from "
	}
	return &Error{text: fmt.Sprintf("%s: %s%s: %s", c.what, what, hostname(origin), hint), cause: err}
}

// notGraph is for an answer that Graph would not give.
func notGraph(origin string, c call, status int) error {
	return &Error{Status: status, text: fmt.Sprintf(
		"%s: %s answered %d with something that is not Graph's JSON: check --graph-url, and that no captive portal or proxy stands between",
		c.what, hostname(origin), status)}
}

// refusal reads an answer that is not 2xx.
func refusal(origin string, c call, r *http.Response, answer []byte) error {
	var body struct {
		Error *struct {
			Code  string `json:"code"`
			Inner struct {
				RequestID string `json:"request-id"`
			} `json:"innerError"`
		} `json:"error"`
	}
	e := &Error{Status: r.StatusCode, retryAfter: retryAfter(r.Header.Get("Retry-After"), time.Now())}
	if json.Unmarshal(answer, &body) == nil && body.Error != nil {
		e.Code = shown(body.Error.Code)
	} else if e.Status < http.StatusInternalServerError && e.Status != http.StatusTooManyRequests {
		return notGraph(origin, c, e.Status)
	}
	if e.Status == http.StatusForbidden {
		e.Needs = c.needs
	}
	e.text = fmt.Sprintf("%s: Graph answered %d", c.what, e.Status)
	if e.Code != "" {
		e.text += " " + e.Code
	}
	e.text += ": " + hint(e, c, origin)
	if body.Error != nil && shown(body.Error.Inner.RequestID) != "" {
		e.text += " (request-id " + body.Error.Inner.RequestID + ")"
	}
	return e
}

// alreadyAssigned is Graph's code where a principal has a policy and is given
// another (source: microsoft-graph-docs-contrib, issue 1114).
const alreadyAssigned = "Request_MultipleObjectsWithSameKeyValue"

// hint says what to do.
func hint(e *Error, c call, origin string) string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "it does not accept the token: check that the sign-in, or the command of --graph-token-command, is of this tenant and for " + origin
	case e.Status == http.StatusForbidden:
		return fmt.Sprintf("it takes the permission %s of Microsoft Graph, with an administrator's consent; reading takes %s and %s, changing also %s and Application.ReadWrite.All",
			c.needs, readPolicies, readPrincipals, writePolicies)
	case e.Status == http.StatusNotFound && strings.HasPrefix(c.path, dataversePath) && c.method == http.MethodGet:
		return "the tenant does not have Dataverse's service principal (appId " + DataverseAppID + "): check that it is the right tenant"
	case e.Status == http.StatusNotFound:
		return "it is not there, or not yet: look with dvproxy lifetime show, and run the command again"
	case e.Status == http.StatusConflict || e.Code == alreadyAssigned:
		return "a policy was assigned meanwhile, and a principal takes only one: look with dvproxy lifetime show"
	case e.Status == http.StatusTooManyRequests || e.retryAfter > 0:
		return fmt.Sprintf("it is throttling: run the command again in %v", max(e.retryAfter, time.Minute))
	case e.Status >= http.StatusInternalServerError:
		return "it has a fault of its own: run the command again in a minute"
	}
	return "it does not take the request: check that the tenant has Microsoft Entra ID P1, which such policies need"
}

// code is what error codes and request ids look like; anything else is not
// repeated.
var code = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

func shown(s string) string {
	if !code.MatchString(s) {
		return ""
	}
	return s
}

// retryAfter is the wait in whole seconds or until an HTTP date; zero if
// absent or malformed. RFC 9110 10.2.3.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now)).Round(time.Second)
	}
	return 0
}
