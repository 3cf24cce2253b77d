package credential

import (
	"cmp"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A host is what hands tokens to the machine, and how it wants to be asked.
type host struct {
	name     string
	endpoint string // a URL
	version  string // of its API
	header   string // the one that shows that no page or proxy made the request
	value    string // of that header
	check    string // what to look at when it does not answer as it should
	assign   string // the command that gives the machine an identity

	challenges  bool   // it wants a key that only those may read who are allowed to
	arcFolder   string // where keys are
	mustConfirm bool   // it may not know of other identities than the machine's own
}

// hostOf chooses the host by the variables that are set, in the order in which
// Azure's own SDKs look.
func hostOf(getenv func(string) string, arc bool) (host, error) {
	endpoint, header := getenv("IDENTITY_ENDPOINT"), getenv("IDENTITY_HEADER")
	switch {
	case endpoint != "" && header != "" && getenv("IDENTITY_SERVER_THUMBPRINT") != "":
		return host{}, errors.New("IDENTITY_SERVER_THUMBPRINT is set, as on Service Fabric, whose managed identity is not supported; sign in with a certificate or a federated token")
	case endpoint != "" && header != "":
		return appService(endpoint, header), nil
	case endpoint != "" && getenv("IMDS_ENDPOINT") != "":
		return azureArc(endpoint), nil
	case endpoint != "":
		return host{}, errors.New("IDENTITY_ENDPOINT is set, but neither IDENTITY_HEADER (App Service) nor IMDS_ENDPOINT (Azure Arc) is; set the one that belongs to it, or none")
	case getenv("MSI_ENDPOINT") != "":
		return host{}, errors.New("MSI_ENDPOINT is set, as in Cloud Shell and Azure Machine Learning, whose managed identity is not supported; sign in with a certificate or a federated token")
	case arc:
		return azureArc("http://127.0.0.1:40342/metadata/identity/oauth2/token"), nil
	}
	return virtualMachine(getenv("AZURE_POD_IDENTITY_AUTHORITY_HOST")), nil
}

// virtualMachine is the Azure Instance Metadata Service; origin may be empty.
// Source: How to use managed identities for Azure resources on a virtual
// machine to acquire an access token.
func virtualMachine(origin string) host {
	origin = cmp.Or(strings.TrimRight(origin, "/"), "http://169.254.169.254")
	return host{
		name: "the instance metadata service", version: "2018-02-01",
		endpoint: origin + "/metadata/identity/oauth2/token",
		header:   "Metadata", value: "true",
		check:  "managed identity works on a machine in Azure only; look with: curl -s --noproxy '*' -H Metadata:true '" + origin + "/metadata/instance?api-version=2021-02-01'",
		assign: "az vm identity assign --resource-group GROUP --name VM",
	}
}

// appService is that of App Service, Functions and Container Apps. Source: How
// to use managed identities for App Service and Azure Functions, "REST endpoint
// reference".
func appService(endpoint, header string) host {
	return host{
		name: "App Service's identity endpoint", version: "2019-08-01",
		endpoint: endpoint, header: "X-IDENTITY-HEADER", value: header,
		check:  "restart the app, so that it sees IDENTITY_ENDPOINT and IDENTITY_HEADER as they are now",
		assign: "az webapp identity assign --resource-group GROUP --name APP",
	}
}

// azureArc is the agent of a server outside Azure. Source: Authenticate against
// Azure resources with Azure Arc-enabled servers. Older agents know the
// machine's own identity only, and answer with it whatever is asked.
func azureArc(endpoint string) host {
	return host{
		name: "Azure Arc's agent", version: "2020-06-01",
		endpoint: endpoint, header: "Metadata", value: "true",
		check:      "look at the agent: azcmagent show",
		assign:     "connect the machine, which makes its identity: azcmagent connect",
		challenges: true, mustConfirm: true,
	}
}

// runsArc says whether Arc's agent is installed.
func runsArc(system string, getenv func(string) string) bool {
	agent := ""
	switch {
	case system == "linux":
		agent = "/opt/azcmagent/bin/himds"
	case system == "windows" && getenv("ProgramFiles") != "":
		agent = filepath.Join(getenv("ProgramFiles"), "AzureConnectedMachineAgent", "himds.exe")
	}
	if agent == "" {
		return false
	}
	_, err := os.Stat(agent)
	return err == nil
}

// arcFolder is where the agent writes its keys; empty where there is no agent.
func arcFolder(system string, getenv func(string) string) string {
	switch {
	case system == "linux":
		return "/var/opt/azcmagent/tokens"
	case system == "windows" && getenv("ProgramData") != "":
		return filepath.Join(getenv("ProgramData"), "AzureConnectedMachineAgent", "Tokens")
	}
	return ""
}

// Retries of one fetch. Microsoft's page asks for more tries on 404, 429 and
// 5xx, and for 70 s of patience on 410, which says that the service is being
// updated. These are MSAL's: a token cache comes back with pauses of its own.
const (
	busyTries   = 3 // after 1, 2 and 4 s
	goneTries   = 7
	goneWait    = 10 * time.Second
	firstRepeat = time.Second
)

// wait is the pause before another try, counted from 0, if there is to be one.
func (h *host) wait(err error, try int) (time.Duration, bool) {
	var e *Error
	if !errors.As(err, &e) {
		return 0, false
	}
	switch {
	case e.Status == http.StatusGone:
		return max(goneWait, e.retryAfter), try < goneTries
	case e.Status == http.StatusNotFound, e.Status == http.StatusTooManyRequests, e.Status >= http.StatusInternalServerError:
		return max(firstRepeat<<try, e.retryAfter), try < busyTries
	}
	return 0, false
}
