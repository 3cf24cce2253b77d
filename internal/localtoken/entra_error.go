package localtoken

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// An entraError is a refusal as Entra writes it. RFC 6749 5.2.
type entraError struct {
	status  int
	code    int    // after AADSTS
	name    string // the error member
	message string
	after   time.Duration // for Retry-After; 0: none
}

func (e entraError) Error() string { return fmt.Sprintf("AADSTS%d: %s", e.code, e.message) }

// The codes are Entra's own, since clients look them up; the texts say what
// they mean here.

func errMissing(parameter string) error {
	return entraError{http.StatusBadRequest, 900144, "invalid_request", fmt.Sprintf("The request body must contain the following parameter: '%s'.", parameter), 0}
}

func errGrant(grant string) error {
	return entraError{http.StatusBadRequest, 70003, "unsupported_grant_type", fmt.Sprintf("The app requested an unsupported grant type '%s'. dvproxy issues local tokens for client_credentials, password and refresh_token.", clipped(grant)), 0}
}

func errTenant(tenant string) error {
	return entraError{http.StatusBadRequest, 90002, "invalid_request", fmt.Sprintf("Tenant '%s' not found. It can be any tenant's id or domain, or common.", clipped(tenant)), 0}
}

// errClient is the same for an id that is unknown and a secret that is wrong,
// so that nobody learns which ids there are. (Entra tells them apart.)
func errClient(id string) error {
	return entraError{http.StatusUnauthorized, 7000215, "invalid_client", fmt.Sprintf("Invalid client secret provided. Ensure that '%s' is one of the environment's clients in dvproxy's configuration, and that the secret being sent is what its file holds.", clipped(id)), 0}
}

func errTooMany(wait time.Duration) error {
	return entraError{http.StatusTooManyRequests, 90055, "temporarily_unavailable", "There were too many wrong secrets. Correct the secret and try again later.", wait}
}

func errNoSecret() error {
	return entraError{http.StatusUnauthorized, 7000218, "invalid_client", "The request body must contain the following parameter: 'client_secret'. dvproxy does not know its clients by certificates or federated tokens.", 0}
}

func errRefreshToken() error {
	return entraError{http.StatusBadRequest, 70000, "invalid_grant", "The refresh token is not one of this environment's, has expired, or the client's secret has changed since. Sign in again.", 0}
}

func errMethod(method string) error {
	return entraError{http.StatusBadRequest, 900561, "invalid_request", fmt.Sprintf("The endpoint only accepts POST requests. Received a %s request.", clipped(method)), 0}
}

func errParameter(name, problem string) error {
	return entraError{http.StatusBadRequest, 90100, "invalid_request", fmt.Sprintf("The parameter '%s' %s.", name, problem), 0}
}

func errTooLarge() error {
	return entraError{http.StatusRequestEntityTooLarge, 90100, "invalid_request", fmt.Sprintf("The request body is over %d bytes.", maxForm), 0}
}

func errInstance() error {
	return entraError{http.StatusBadRequest, 50049, "invalid_instance", "Unknown or invalid instance: dvproxy answers for its own listener only.", 0}
}

func errInteraction() error {
	return entraError{http.StatusBadRequest, 65001, "interaction_required", "Nobody can sign in to dvproxy in a browser. Use the client credentials or the password grant at the token endpoint.", 0}
}

// clipped bounds what is shown of a client's own words.
func clipped(s string) string { return s[:min(len(s), 100)] }

type entraErrorJSON struct {
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Codes         []int  `json:"error_codes"`
	Timestamp     string `json:"timestamp"`
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
	URI           string `json:"error_uri,omitempty"`
}

func writeError(w http.ResponseWriter, r *http.Request, e entraError) {
	trace, correlation := w.Header()[requestID][0], correlationOf(r)
	at := time.Now().UTC().Format("2006-01-02 15:04:05Z")
	if e.after > 0 {
		seconds := (e.after + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.Itoa(int(seconds)))
	}
	writeJSON(w, r, e.status, entraErrorJSON{
		Error: e.name, Codes: []int{e.code}, Timestamp: at, TraceID: trace, CorrelationID: correlation,
		Description: fmt.Sprintf("%s Trace ID: %s Correlation ID: %s Timestamp: %s", e.Error(), trace, correlation, at),
	})
}
