package credential

import "net/http"

// hint says, for Entra's numbers, what to mend. The numbers come with Microsoft
// Entra authentication and authorization error codes; the words are ours.
func hint(e *Error) string {
	switch e.AADSTS {
	case 7000215:
		return "the client secret is wrong; set the secret's value (not its id) of a secret that the app registration lists"
	case 7000222:
		return "the client secret has expired; add a new one to the app registration and set its value"
	case 7000216, 7000218:
		return "no client secret arrived; set client_secret or client_secret_file"
	case 700016:
		return "no application has this client_id in this tenant; check client_id, tenant_id and the cloud (authority)"
	case 90002:
		return "no such tenant; check tenant_id, and that authority is that of the right cloud"
	case 500011:
		return "the tenant does not know the resource in scope; check url and scope"
	case 70011:
		return "scope is not valid; it is the environment's origin followed by /.default"
	case 900144, 9001023, 90038:
		return "the endpoint does not take this kind of request; check authority, tenant_id and token_url"
	case 700027, 50012:
		return "Entra does not accept the client assertion; check that its certificate is registered with the app"
	case 700024:
		return "the client assertion is out of its time; check the clock"
	}
	switch {
	case e.Status == http.StatusTooManyRequests:
		return "it is throttling; it will be asked again later"
	case e.Status >= http.StatusInternalServerError:
		return "it has a fault of its own; it will be asked again"
	case e.Status == http.StatusNotFound:
		return "there is no token endpoint there; check authority, tenant_id and token_url"
	case e.permanent:
		return "check tenant_id, client_id and the client secret"
	}
	return "it will be asked again"
}
