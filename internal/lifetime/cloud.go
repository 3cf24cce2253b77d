package lifetime

import (
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Cloud is one of Microsoft's clouds, as Graph and its tools know it. The
// names are empty for one that they do not know.
type Cloud struct {
	Graph      string // origin of Microsoft Graph
	Az         string // name for az cloud set
	PowerShell string // name for Connect-MgGraph -Environment
}

// known are the clouds with the hosts that tell them (sources: Microsoft Graph
// national cloud deployments; MSAL's list of authorities; Power Platform
// regions). GCC is in the public cloud. The first that fits counts: the two
// government clouds have one authority.
var known = []struct {
	Cloud
	dataverse []string // suffixes of an environment's host
	authority []string
}{
	{
		Cloud{"https://dod-graph.microsoft.us", "AzureUSGovernment", "USGovDoD"},
		[]string{".appsplatform.us"},
		nil,
	},
	{
		Cloud{"https://graph.microsoft.us", "AzureUSGovernment", "USGov"},
		[]string{".microsoftdynamics.us"},
		[]string{"login.microsoftonline.us", "login.usgovcloudapi.net"},
	},
	{
		Cloud{"https://microsoftgraph.chinacloudapi.cn", "AzureChinaCloud", "China"},
		[]string{".dynamics.cn"},
		[]string{"login.partner.microsoftonline.cn", "login.chinacloudapi.cn"},
	},
	{
		Cloud{"https://graph.microsoft.com", "AzureCloud", "Global"},
		[]string{".dynamics.com"},
		[]string{"login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"},
	},
}

// CloudOf is the cloud of an environment, by the URL of the environment and by
// that of its authority; false if neither is known.
func CloudOf(dataverse, authority string) (Cloud, bool) {
	environment, signIn := hostname(dataverse), hostname(authority)
	for _, c := range known {
		if slices.ContainsFunc(c.dataverse, func(suffix string) bool { return strings.HasSuffix(environment, suffix) }) {
			return c.Cloud, true
		}
	}
	for _, c := range known {
		if slices.Contains(c.authority, signIn) {
			return c.Cloud, true
		}
	}
	return Cloud{}, false
}

// CloudAt is the cloud whose Graph is at this origin.
func CloudAt(graph string) Cloud {
	for _, c := range known {
		if c.Graph == graph {
			return c.Cloud
		}
	}
	return Cloud{Graph: graph}
}

func hostname(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// ParseGraphURL reads an origin that Graph is reached at: https, or http on
// this machine.
func ParseGraphURL(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return "", errors.New("must be the origin of Microsoft Graph alone, such as https://graph.microsoft.us")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return "", errors.New("must start with https://: over http:// the token would cross the network unencrypted")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
