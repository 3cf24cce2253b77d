package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// An Error says why there is no token. Its text is safe to log and to show:
// beside words of our own it holds at most the HTTP status, the OAuth error
// code and the AADSTS number.
type Error struct {
	Status int    // HTTP status of the answer; 0 if there was none
	Code   string // OAuth error code (RFC 6749 5.2), such as invalid_client
	AADSTS int    // Entra's number of the error, such as 7000215; 0 if none

	what       string // what happened
	hint       string // what to mend; may be empty
	permanent  bool
	retryAfter time.Duration
	cause      error // for errors.Is; its text is never shown
}

func (e *Error) Error() string {
	if e.hint == "" {
		return e.what
	}
	return e.what + ": " + e.hint
}

// What says what happened, without what to mend.
func (e *Error) What() string { return e.what }

// Mend says what to mend; empty if that is not known.
func (e *Error) Mend() string { return e.hint }

// Unwrap returns the cause, which is there for errors.Is only.
func (e *Error) Unwrap() error { return e.cause }

// Permanent says that the same request will be refused again until somebody
// mends something.
func (e *Error) Permanent() bool { return e.permanent }

// RetryAfter is how long the server wants to be left alone, or 0.
func (e *Error) RetryAfter() time.Duration { return e.retryAfter }

// signInError sorts what came instead of a token: by HTTP status and OAuth
// error code first, since Entra's numbers are not for programs to depend on.
func signInError(ctx context.Context, endpoint string, err error) *Error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return refusal(refused)
	}
	host := "the token endpoint"
	if u, perr := url.Parse(endpoint); perr == nil {
		host = u.Host
	}
	e := &Error{cause: err}
	switch {
	case errors.Is(err, errRedirected):
		e.what, e.hint = host+" answers with a redirect, which is not followed", "check authority and token_url, and that no captive portal or proxy stands between"
	case errors.Is(err, errTooLarge):
		e.what, e.hint = errTooLarge.Error(), "check authority and token_url"
	case ctx.Err() != nil || isTimeout(err):
		e.what, e.hint = host+" did not answer in time", "check the network, and whether a proxy is needed (HTTPS_PROXY)"
	case errors.As(err, new(*url.Error)):
		e.what, e.hint = "no connection to "+host, "check the network, DNS and certificates, and whether a proxy is needed (HTTPS_PROXY)"
	default:
		e.what, e.hint = host+" answered with something that is not a token", "check authority and token_url"
	}
	return e
}

// refusal reads a status that is not 2xx.
func refusal(r *oauth2.RetrieveError) *Error {
	e := &Error{Status: r.Response.StatusCode, Code: oauthCode(r.ErrorCode), AADSTS: aadsts(r.ErrorDescription)}
	if e.AADSTS == 0 {
		e.AADSTS = aadsts(r.ErrorCode)
	}
	e.retryAfter = retryAfter(r.Response.Header.Get("Retry-After"), time.Now())
	e.permanent = isPermanent(e.Status, e.Code, e.AADSTS)
	e.what = fmt.Sprintf("the token endpoint answered %d", e.Status)
	if e.Code != "" {
		e.what += " " + e.Code
	}
	if e.AADSTS != 0 {
		e.what += fmt.Sprintf(" (AADSTS%d)", e.AADSTS)
	}
	e.hint = hint(e)
	return e
}

// permanentCodes are the OAuth error codes (RFC 6749 5.2, RFC 8707) that no
// second try mends.
var permanentCodes = []string{
	"invalid_client", "unauthorized_client", "invalid_request", "invalid_scope",
	"invalid_grant", "unsupported_grant_type", "invalid_resource", "invalid_target",
	"access_denied", "interaction_required",
}

// transientNumbers are Entra's errors that pass by themselves though their
// status or code may look permanent (source: Microsoft Entra authentication
// and authorization error codes). An assertion out of its time is another one
// the next time; an issuer that cannot be reached may come back.
var transientNumbers = []int{90006, 90012, 90024, 90033, 90055, 90090, 50166, 501661, assertionOutOfTime}

func isPermanent(status int, code string, number int) bool {
	if status == http.StatusTooManyRequests || status >= 500 || isTransient(number) {
		return false
	}
	return slices.Contains(permanentCodes, code)
}

func isTransient(number int) bool { return slices.Contains(transientNumbers, number) }

// oauthCode lets through what RFC 6749 5.2 allows as a code, and of that only
// what looks like one, since an endpoint may say anything.
func oauthCode(s string) string {
	if len(s) > 40 || !codeShape.MatchString(s) {
		return ""
	}
	return s
}

var (
	codeShape    = regexp.MustCompile(`^[a-z_]+$`)
	numberInText = regexp.MustCompile(`AADSTS([0-9]{4,9})`)
)

func aadsts(text string) int {
	m := numberInText.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// retryAfter is the wait in whole seconds or until an HTTP date; zero if
// absent or malformed. RFC 9110 10.2.3.
func retryAfter(s string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
