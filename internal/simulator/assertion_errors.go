package simulator

// Refusals of a client assertion. The texts are Entra's, by recordings and by
// the troubleshooting pages of the Azure SDKs and of workload identity
// federation. That a federated token with a bad signature is AADSTS50027 is by
// the error reference, which lists that among its reasons.
var (
	errAssertion          = entraError{401, 700027, "invalid_client", "Client assertion contains an invalid signature. [Reason - %s, Please visit the Azure Portal to see the configured keys for app Id '%s'.]"}
	errAssertionAlgorithm = entraError{401, 700027, "invalid_client", "Invalid JWT token. Unsupported asymmetric signing algorithm."}
	errAssertionTime      = entraError{401, 700024, "invalid_client", "Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials ."}
	errAssertionClient    = entraError{401, 700021, "invalid_client", "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials ."}
	errAssertionSubject   = entraError{401, 50048, "invalid_client", "Subject must match the issuer claim in the client assertion."}
	errAssertionAudience  = entraError{401, 700023, "invalid_client", "Client assertion audience claim does not match Realm issuer. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials ."}
	errMalformedAssertion = entraError{401, 50027, "invalid_client", "JWT token is invalid or malformed."}
	errAssertionType      = entraError{400, 5002727, "invalid_request", "Invalid JWT header type specified, must be 'JWT' or 'http://openid.net/specs/jwt/1.0'."}

	errFederatedIssuer   = entraError{401, 700211, "invalid_client", "No matching federated identity record found for presented assertion issuer '%s'. " + checkFederation}
	errFederatedAudience = entraError{401, 700212, "invalid_client", "No matching federated identity record found for presented assertion audience '%s'. " + checkFederation}
	errFederatedSubject  = entraError{401, 700213, "invalid_client", "No matching federated identity record found for presented assertion subject '%s'. " + checkFederation}
)

const checkFederation = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"

func refused(e entraError) *entraError { return &e }
