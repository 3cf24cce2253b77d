package credential

import "net/http"

// assertionOutOfTime is Entra's number for an assertion outside its valid time.
const assertionOutOfTime = 700024

// mends say, for Entra's numbers, what to mend. The numbers come with Microsoft
// Entra authentication and authorization error codes, and with the
// troubleshooting pages of the Azure SDKs and of Azure Workload Identity; the
// words are ours.
var mends = map[int]string{
	7000215: "the client secret is wrong; set the secret's value (not its id) of a secret that the app registration lists",
	7000222: "the client secret has expired; add a new one to the app registration and set its value",
	7000216: "no client secret arrived; set client_secret or client_secret_file",
	7000218: "no client secret arrived; set client_secret or client_secret_file",
	7000232: "this is the client id of a managed identity, which has no secret; set managed_identity instead",
	700016:  "no application has this client_id in this tenant; check client_id, tenant_id and the cloud (authority)",
	90002:   "no such tenant; check tenant_id, and that authority is that of the right cloud",
	500011:  "the tenant does not know the resource in scope; check url and scope",
	70011:   "scope is not valid; it is the environment's origin followed by /.default",
	900144:  wrongEndpoint,
	9001023: wrongEndpoint,
	90038:   wrongEndpoint,

	700027:  "Entra does not know the certificate, or it has expired; upload it: az ad app credential reset --id CLIENT_ID --append --cert @cert.pem (without the key), and check this machine's clock",
	50012:   "Entra does not accept the client assertion; check that its certificate is registered with the app, and this machine's clock",
	700030:  "the certificate's subject is not one that the app registration allows; check trustedCertificateSubjects of the app",
	700021:  "the assertion is not for this application; check client_id",
	50048:   "the assertion is not for this application; check client_id",
	700023:  "the assertion is not for this token endpoint; check authority, tenant_id and token_url",
	50027:   "the assertion is malformed, or its issuer's signature does not hold; check what is in federated_token_file, and that the issuer publishes its keys",
	5002727: "the assertion is not a JWT; check what is in federated_token_file",

	assertionOutOfTime: "the assertion is outside its valid time; check this machine's clock and, with federated_token_file, that the file is still being renewed",

	70021:   noFederation,
	700211:  "no federated credential of the app has the issuer of this token; set it to the cluster's: az aks show --query oidcIssuerProfile.issuerUrl, then az ad app federated-credential list --id CLIENT_ID",
	700212:  "no federated credential of the app has the audience of this token; both are api://AzureADTokenExchange unless set otherwise",
	700213:  noFederation,
	7002137: noFederation,
	7002138: noFederation,
	700222:  "the token was issued by Entra itself, which federation does not take; name the file that the cluster writes",
	50166:   unreachableIssuer,
	501661:  unreachableIssuer,
	90061:   unreachableIssuer,
}

const (
	wrongEndpoint     = "the endpoint does not take this kind of request; check authority, tenant_id and token_url"
	noFederation      = "no federated credential of the app matches this token; compare issuer, subject (system:serviceaccount:NAMESPACE:NAME, case counts) and audience: az ad app federated-credential list --id CLIENT_ID"
	unreachableIssuer = "Entra cannot reach the issuer of the federated token; its discovery document must be public"
)

func hint(e *Error) string {
	if mend, ok := mends[e.AADSTS]; ok {
		return mend
	}
	switch {
	case e.Status == http.StatusTooManyRequests:
		return "it is throttling; it will be asked again later"
	case e.Status >= http.StatusInternalServerError:
		return "it has a fault of its own; it will be asked again"
	case e.Status == http.StatusNotFound:
		return "there is no token endpoint there; check authority, tenant_id and token_url"
	case e.permanent:
		return "check tenant_id, client_id and the client's secret, certificate or federation"
	}
	return "it will be asked again"
}
