package config

import (
	"regexp"
	"slices"
	"strings"
)

// checkCredential wants a client secret, and what it takes to use it.
func (l *loader) checkCredential(e *Environment, path string) {
	c := &e.Credential
	l.checkEndpoint(c, path)
	switch {
	case c.ClientID == "":
		l.missing(path+".client_id", "the application (client) id of the app registration")
	case strings.ContainsAny(c.ClientID, " \t\r\n"):
		l.problem(path+".client_id", "must not contain spaces")
	}
	l.checkScope(e, path+".scope")
	l.checkSecret(c, path)
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

var isGUID = regexp.MustCompile(`^(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

func (l *loader) checkSecret(c *Credential, path string) {
	text, file := path+".client_secret", path+".client_secret_file"
	secret := c.ClientSecret.Reveal()
	switch {
	case l.broken(text) || l.broken(file):
	case secret != "" && c.ClientSecretFile != "":
		l.problem(file, "%s and %s are both set; keep one", l.name(text), l.name(file))
	case c.ClientSecretFile != "":
		warning, err := CheckSecretFile(c.ClientSecretFile)
		if err != nil {
			l.problem(file, "%s", err) // no path: it may be the secret itself
		} else if warning != "" {
			l.warn(file, "%s", warning)
		}
	case secret == "":
		l.missingSecret(text)
	case secret == redacted:
		l.problem(text, "is what dvproxy config shows in place of a secret; put the secret itself")
	case isGUID.MatchString(secret):
		l.warn(text, "looks like the id of a secret; Entra wants the value, which it shows only when the secret is made")
	}
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

// missingSecret also names the variables of other ways to sign in, where those
// are set and count.
func (l *loader) missingSecret(at string) {
	if l.has(parent(at)) {
		l.problem(at, "missing: set client_secret or client_secret_file")
		return
	}
	others := slices.DeleteFunc([]string{"AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE"},
		func(name string) bool { return l.src.Getenv(name) == "" })
	if len(others) > 0 {
		l.problem(at, "missing: there is %s, but dvproxy signs in with a client secret only, for now; set AZURE_CLIENT_SECRET, or AZURE_CLIENT_SECRET_FILE to a file that holds it",
			strings.Join(others, " and "))
		return
	}
	l.problem(at, "missing: set AZURE_CLIENT_SECRET to the value of a client secret, or AZURE_CLIENT_SECRET_FILE to a file that holds it")
}
