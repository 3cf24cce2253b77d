package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"time"
)

// errReplayImpossible is a refusal of a request that cannot be sent again.
var errReplayImpossible = errors.New("the request cannot be sent again")

// errUnauthorized is a refusal of a fresh token too.
var errUnauthorized = errors.New("a fresh token was refused too")

// errSignInPage is a page of HTML in answer to what is not a GET.
var errSignInPage = errors.New("a page of HTML came in answer")

// errDraining is a request that would have to be held while the proxy drains.
var errDraining = errors.New("the proxy is draining")

// A tokenError is what a token cache says when it has no token to give.
type tokenError interface {
	error
	RetryAfter() time.Duration
	Permanent() bool // sign-in was refused
	Refused() bool   // upstream refuses even fresh tokens
}

// A turnedAway is what a client's body ends in where somebody before us found in it
// what must not go upstream. Code is what of the error code dvproxy.what.
type turnedAway interface {
	error
	Refusal() (status int, code, message string)
}

// A transportError is an attempt that got no answer from upstream.
type transportError struct {
	err  error
	sent bool // upstream may have received some of the request
}

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

// timedOut says whether upstream took the request and was too slow to answer.
func (e *transportError) timedOut() bool {
	var t net.Error
	return e.sent && errors.As(e.err, &t) && t.Timeout()
}

// problemOf translates why a request got no answer from upstream. That
// happens here and nowhere else.
func problemOf(err error, maxWait time.Duration) Problem {
	var token tokenError
	var transport *transportError
	var refused turnedAway
	var still *stillHeld
	switch {
	case errors.Is(err, errDraining):
		return letGo()
	case errors.As(err, &still):
		return throttled(still, maxWait)
	case errors.As(err, &token):
		return tokenProblem(token, maxWait)
	case errors.Is(err, errUnauthorized):
		return upstreamUnauthorized(0)
	case errors.Is(err, errSignInPage):
		return Problem{
			http.StatusBadGateway, "upstream_unauthorized",
			"Dataverse answered with a page of HTML, as it does when it does not accept a token. The request was not sent again, since it may not be repeated safely; a newer token is being fetched.",
			"destination_unavailable", time.Second,
		}
	case errors.Is(err, errReplayImpossible):
		return Problem{
			http.StatusServiceUnavailable, "replay_impossible",
			"Dataverse refused the token, and the request's body was not kept for sending it again: it is too large (retry.max_body), or there was no room for it (retry.dir). A newer token is being fetched: send the request again.",
			"destination_unavailable", time.Second,
		}
	case errors.As(err, &transport):
		return transportProblem(transport)
	case errors.As(err, &refused):
		status, code, message := refused.Refusal()
		return Problem{status, code, message, "http_request_denied", 0}
	}
	return Problem{
		http.StatusBadRequest, "bad_request",
		"The request's body could not be read to its end: " + err.Error() + ".", "http_request_error", 0,
	}
}

func throttled(err *stillHeld, maxWait time.Duration) Problem {
	p := Problem{
		http.StatusTooManyRequests, "throttled",
		fmt.Sprintf("Dataverse wants nothing to be sent for now (service protection), and this request was held for as long as it may be, %v (retry.max_wait). It was not executed: send it again later.", maxWait),
		"destination_unavailable", max(time.Second, err.wait),
	}
	if !err.paused {
		p.Message = fmt.Sprintf("As many requests are under way as may be at one time (max_concurrent), and none was done within %v (retry.max_wait). This one was not executed: send it again later.", maxWait)
		p.Error = "connection_limit_reached"
	}
	return p
}

func badTarget() Problem {
	return Problem{
		http.StatusBadRequest, "bad_request",
		"The request target is neither a path nor an absolute URL. Send a path that begins with a slash.",
		"http_request_error", 0,
	}
}

// letGo is for a request that was held, or would have to be. None of those may
// have been executed, unless it does no harm.
func letGo() Problem {
	return Problem{
		http.StatusServiceUnavailable, "draining",
		"dvproxy is about to stop, so it does not hold requests back any longer, and this one could not be answered at once. Send it again when dvproxy, or another one, is there.",
		"destination_unavailable", time.Second,
	}
}

func tokenProblem(err tokenError, maxWait time.Duration) Problem {
	switch {
	case err.Permanent():
		return Problem{
			http.StatusBadGateway, "sign_in_refused",
			fmt.Sprintf("dvproxy cannot sign in to Entra: %v. It tries again every 30 seconds, and within a second of a change to the file of the secret or certificate.", err),
			"proxy_configuration_error", err.RetryAfter(),
		}
	case err.Refused():
		return upstreamUnauthorized(err.RetryAfter())
	}
	return Problem{
		http.StatusServiceUnavailable, "token_unavailable",
		fmt.Sprintf("There was no live token to be had within %v (retry.max_wait): %v. dvproxy goes on trying; send the request again later.", maxWait, err),
		"destination_unavailable", err.RetryAfter(),
	}
}

func upstreamUnauthorized(after time.Duration) Problem {
	return Problem{
		http.StatusBadGateway, "upstream_unauthorized",
		"Dataverse refuses even a fresh token for this request. Check that url is that of the environment, that scope names it, and that tenant_id is that of its tenant.",
		"destination_unavailable", after,
	}
}

func transportProblem(err *transportError) Problem {
	if err.timedOut() {
		return Problem{
			http.StatusGatewayTimeout, "upstream_timeout",
			"Dataverse took the request but did not answer in time (timeouts.response_header). It may have been executed.",
			"http_response_timeout", 0,
		}
	}
	what := "The connection to Dataverse broke before the whole answer came, or the answer was damaged. The request may have been executed."
	kind := "connection_terminated"
	if !err.sent {
		what = "There is no connection to Dataverse; nothing of the request was sent. Check url, the network, DNS and certificates, and whether a proxy is needed (HTTPS_PROXY)."
		kind = "destination_unavailable"
	}
	return Problem{http.StatusBadGateway, "upstream_unreachable", what + " The cause: " + cause(err.err) + ".", kind, 0}
}

// isStillRefused says whether there is no newer token since fresh ones are
// refused too.
func isStillRefused(err error) bool {
	var token tokenError
	return errors.As(err, &token) && token.Refused()
}

// quoted is what net/http repeats of an answer that it cannot read.
var quoted = regexp.MustCompile(`"(\\.|[^"\\])*"?`)

// cause is the innermost text of a network error, without addresses of this
// machine and without anything of an answer's.
func cause(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return "DNS has no answer for " + dns.Name
	case errors.As(err, &op):
		return op.Op + ": " + op.Err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return errResent.Error()
	}
	return quoted.ReplaceAllString(err.Error(), "(...)")
}
