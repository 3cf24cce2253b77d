package config

import (
	"regexp"
	"strings"
)

// checkCredential wants exactly one way to sign in, and what it takes to use it.
func (l *loader) checkCredential(e *Environment, path string) {
	c := &e.Credential
	if c.Way() == ByManagedIdentity {
		l.checkManagedIdentity(c, path)
	} else {
		l.checkApplication(c, path)
	}
	l.checkScope(e, path+".scope")
	l.checkWay(c, path)
}

// checkApplication wants what all ways need that ask a token endpoint.
func (l *loader) checkApplication(c *Credential, path string) {
	l.checkEndpoint(c, path)
	switch {
	case c.ClientID == "":
		l.missing(path+".client_id", "the application (client) id of the app registration")
	case strings.ContainsAny(c.ClientID, " \t\r\n"):
		l.problem(path+".client_id", "must not contain spaces")
	}
}

// checkScope knows what Entra accepts; another OAuth server has its own rules.
func (l *loader) checkScope(e *Environment, at string) {
	if e.Credential.TokenURL != "" || e.Credential.Scope == "" {
		return
	}
	resource, ok := strings.CutSuffix(e.Credential.Scope, "/.default")
	o, problem := parseOrigin(e.URL)
	switch {
	case !ok:
		l.problem(at, "must end in /.default, since Entra grants an application nothing else; leave it out for the origin of url with /.default")
	case problem == "" && !o.loopback() && strings.TrimRight(resource, "/") != e.URL:
		l.warn(at, "is not for the origin of url, so Dataverse may refuse the token")
	}
}

// checkEndpoint wants token_url, or authority and tenant_id.
func (l *loader) checkEndpoint(c *Credential, path string) {
	if c.TokenURL != "" {
		o, u, problem := parseURL(c.TokenURL)
		if problem != "" {
			l.problem(path+".token_url", "%s", problem)
			return
		}
		c.TokenURL = o.String() + strings.TrimPrefix(u.String(), u.Scheme+"://"+u.Host)
		return
	}
	l.checkAuthority(c, path+".authority")
	at := path + ".tenant_id"
	switch strings.ToLower(c.TenantID) {
	case "":
		l.missing(at, "the id of the tenant, or one of its domains")
	case "common", "organizations", "consumers":
		l.problem(at, "must be one tenant: an application cannot sign in to a group of them")
	default:
		if !validHost(strings.ToLower(c.TenantID)) {
			l.problem(at, "must be the id of the tenant, such as 00000000-0000-0000-0000-000000000000, or one of its domains, such as contoso.onmicrosoft.com")
		}
	}
}

// checkAuthority takes a bare host too, as some of the SDKs that share
// AZURE_AUTHORITY_HOST do.
func (l *loader) checkAuthority(c *Credential, at string) {
	text := c.Authority
	if validHost(strings.ToLower(text)) {
		text = "https://" + text
	}
	o, problem := parseOrigin(text)
	if problem == "" {
		c.Authority = o.String()
		return
	}
	if strings.HasPrefix(problem, "must be the origin alone") {
		problem += "; the tenant belongs in tenant_id, and an address that is not Entra's in token_url"
	}
	l.problem(at, "%s", problem)
}

// missing reports a setting of the credential that is not there, and where it
// could stand.
func (l *loader) missing(at, what string) {
	block := parent(at)
	if l.has(at) && l.places[at].origin != "" || l.has(block) {
		l.problem(at, "missing: %s", what)
		return
	}
	l.problem(at, "missing: %s; set it under credential, or in %s", what, l.variable(at))
}

var index = regexp.MustCompile(`\[\d+\]`)

// variable is the variable that the setting at path is declared with.
func (l *loader) variable(path string) string {
	path = index.ReplaceAllString(path, "[]")
	for leaf := range declared() {
		if leaf.path == path {
			return leaf.tag.Get("env")
		}
	}
	return ""
}
