package simulator

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// entraError is a refusal of the token endpoint.
type entraError struct {
	status  int
	code    int    // the number after AADSTS
	name    string // the error member: RFC 6749 5.2
	message string
}

// Refusals that a request can earn. The texts are Entra's own, by its error
// reference and by recordings; verbs stand for what differs.
var (
	errMissing      = entraError{400, 900144, "invalid_request", "The request body must contain the following parameter: '%s'."}
	errGrant        = entraError{400, 70003, "unsupported_grant_type", "The app requested an unsupported grant type '%s'."}
	errTenant       = entraError{400, 90002, "invalid_request", "Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."}
	errApplication  = entraError{400, 700016, "unauthorized_client", "Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."}
	errScope        = entraError{400, 70011, "invalid_scope", "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope %s is not valid."}
	errResource     = entraError{400, 500011, "invalid_resource", "The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."}
	errNoCredential = entraError{401, 7000218, "invalid_client", "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."}
	errSecret       = entraError{401, 7000215, "invalid_client", "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'."}
	errMethod       = entraError{400, 900561, "invalid_request", "The endpoint only accepts POST requests. Received a %s request."}
	errClaims       = entraError{400, 9000410, "invalid_request", "Malformed JSON."}
)

// Refusals that only a fault brings about.
var faultErrors = []entraError{
	errSecret.with(DefaultClientID), errNoCredential, errAssertion.with("The key was not found.", DefaultClientID),
	errApplication.with(DefaultClientID, DefaultTenantID), errTenant.with(DefaultTenantID),
	errScope.with("https://contoso.crm.dynamics.com"), errMissing.with("grant_type"),
	errResource.with("https://contoso.crm.dynamics.com", DefaultTenantID),
	errMalformedAssertion, errAssertionClient, errAssertionAudience,
	errFederatedIssuer.with("https://oidc.example/"), errFederatedAudience.with("api://elsewhere"),
	{401, 7000222, "invalid_client", "The provided client secret keys for app '" + DefaultClientID + "' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret"},
	{401, 7000216, "invalid_client", "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type."},
	{401, 700213, "invalid_client", "No matching federated identity record found for presented assertion subject 'system:serviceaccount:default:importer'."},
	{401, 700024, "invalid_client", "Client assertion is not within its valid time range."},
	{401, 50012, "invalid_client", "Authentication failed."},
	{400, 9001023, "invalid_request", "The grant type is not supported over the /common or /consumers endpoints."},
	{400, 90038, "invalid_request", "The tenant is not served by this national cloud."},
	{503, 90006, "temporarily_unavailable", "The service is temporarily unavailable. Please retry later."},
	{504, 90012, "temporarily_unavailable", "The request has timed out."},
	{503, 90024, "temporarily_unavailable", "A transient error has occurred. Try again."},
	{503, 90033, "temporarily_unavailable", "A transient error has occurred. Please try again."},
	{429, 90055, "temporarily_unavailable", "The tenant has exceeded its rate of requests."},
	{503, 90090, "temporarily_unavailable", "A transient error has occurred. Please try again."},
}

// faultError is the refusal with this code, alone or after "AADSTS".
func faultError(code int) (entraError, bool) {
	for _, e := range faultErrors {
		if e.code == code {
			return e, true
		}
	}
	return entraError{}, false
}

func (e entraError) with(args ...any) entraError {
	e.message = fmt.Sprintf(e.message, args...)
	return e
}

func (e entraError) outcome() string { return "AADSTS" + strconv.Itoa(e.code) }

type entraErrorJSON struct {
	Error         string `json:"error"`
	Description   string `json:"error_description"`
	Codes         []int  `json:"error_codes"`
	Timestamp     string `json:"timestamp"`
	TraceID       string `json:"trace_id"`
	CorrelationID string `json:"correlation_id"`
	URI           string `json:"error_uri"`
}

// entraErrorBody is the answer of a refusal. The parts of the description are
// separated by single spaces, as in texts of 2026; older ones had line ends.
func (t *Tenant) entraErrorBody(e entraError) (int, []byte, string) {
	trace, correlation := newGUID(), newGUID()
	at := time.Now().UTC().Format("2006-01-02 15:04:05Z")
	body, err := marshal(entraErrorJSON{
		Error: e.name, Codes: []int{e.code}, Timestamp: at, TraceID: trace, CorrelationID: correlation,
		Description: fmt.Sprintf("%s: %s Trace ID: %s Correlation ID: %s Timestamp: %s", e.outcome(), e.message, trace, correlation, at),
		URI:         fmt.Sprintf("%s/error?code=%d", t.authorityOrigin(), e.code),
	})
	if err != nil {
		panic(err) // strings and numbers
	}
	if e.status == 0 {
		e.status = http.StatusBadRequest
	}
	return e.status, body, e.outcome()
}
