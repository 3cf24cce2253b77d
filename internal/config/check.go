package config

import (
	"os"
	"strings"
)

// check validates what has been put together, and normalises it: origins in
// lower case, names and scopes filled in.
func (l *loader) check() {
	names := map[string]string{} // path by name
	c := &l.config
	for i := range c.Environments {
		e, path := &c.Environments[i], element("environments", i)
		l.checkURL(e, path)
		l.checkLinks(e, path)
		l.checkName(e, path, names)
		l.checkCredential(e, path+".credential")
		l.checkRetry(e.Retry, path+".retry")
		l.checkTLS(e, path+".tls")
		l.checkCAFile(e, path+".ca_file")
		l.checkHosts(&e.Guard, path+".guard.allowed_hosts")
		l.checkClients(e.Clients, path+".clients")
	}
	l.checkStateDir()
	l.checkKeyFile()
	l.checkListeners()
	l.checkFileMode()
}

// checkURL normalises the url, and gives the environment the name and the
// scope that follow from it.
func (l *loader) checkURL(e *Environment, path string) {
	at := path + ".url"
	if e.URL == "" {
		l.problem(at, "missing: the origin of the environment, for example https://contoso.crm.dynamics.com")
		return
	}
	o, problem := parseOrigin(e.URL)
	if problem != "" {
		l.problem(at, "%s", problem)
		return
	}
	e.URL = o.String()
	if e.Name == "" {
		e.Name = o.label()
	}
	if e.Credential.Scope == "" {
		e.Credential.Scope = e.URL + "/.default"
	}
	l.checkCloud(e, o.host, path+".credential.authority")
}

// checkCloud takes the sign-in service of the cloud that the url is in, unless
// another is given. The pairs are those of Microsoft's list of national clouds.
func (l *loader) checkCloud(e *Environment, host, at string) {
	authority := ""
	for _, cloud := range []struct{ hosts, authority string }{
		{".crm.microsoftdynamics.us", "https://login.microsoftonline.us"},
		{".crm.appsplatform.us", "https://login.microsoftonline.us"},
		{".crm.dynamics.cn", "https://login.partner.microsoftonline.cn"},
	} {
		if strings.HasSuffix(host, cloud.hosts) {
			authority = cloud.authority
		}
	}
	switch {
	case authority == "" || e.Credential.TokenURL != "":
	case !l.isGiven(at):
		e.Credential.Authority = authority
	case strings.TrimRight(e.Credential.Authority, "/") == defaultEnvironment().Credential.Authority:
		l.warn(at, "the url is in a national cloud, whose authority is probably %s", authority)
	}
}

// isGiven reports whether the file, a flag or a variable sets the setting at
// path. A variable that could have has a place too.
func (l *loader) isGiven(path string) bool {
	at, ok := l.places[path]
	return ok && (at.origin == "" || strings.HasPrefix(at.origin, "--") || l.src.Getenv(at.origin) != "")
}

func (l *loader) checkName(e *Environment, path string, names map[string]string) {
	at := path + ".name"
	if l.has(at) && strings.Trim(strings.ToLower(e.Name), "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || len(e.Name) > 63 {
		l.problem(at, "must be up to 63 letters, digits, dots, dashes or underscores, for example contoso")
		return
	}
	if other, ok := names[e.Name]; ok && e.Name != "" {
		l.problem(at, "is the name of %s too; give each environment a name of its own", other)
		return
	}
	names[e.Name] = path
}

func (l *loader) checkRetry(r Retry, path string) {
	if r.Memory > r.MaxBody {
		l.problem(path+".memory", "must not be larger than max_body, which is %s", r.MaxBody)
	}
	if r.Dir == "" {
		return
	}
	if info, err := os.Stat(r.Dir); err != nil {
		l.problem(path+".dir", "the folder cannot be used: %s", reason(err))
	} else if !info.IsDir() {
		l.problem(path+".dir", "must be a folder")
	}
}

// checkHosts wants names as they stand in a Host header.
func (l *loader) checkHosts(g *Guard, path string) {
	for i, host := range g.AllowedHosts {
		host = strings.ToLower(host)
		a, problem := parseTCP(host)
		if problem != "" { // no port, then
			a = address{host: strings.Trim(host, "[]")}
		}
		if !validHost(a.host) {
			l.problem(element(path, i), "must be a host name or IP address, with or without a port, for example dvproxy.internal:7080")
			continue
		}
		g.AllowedHosts[i] = host
	}
}

// checkFileMode holds a configuration file with a secret in it to the rules of
// a secret file. One that is not a regular file, such as a pipe, has no permissions to speak of.
func (l *loader) checkFileMode() {
	info, err := os.Stat(l.path)
	if err != nil || !info.Mode().IsRegular() || !l.fileHasSecret() {
		return
	}
	f, err := os.Open(l.path)
	if err != nil {
		return // it was there just now
	}
	defer f.Close()
	p := Problem{File: l.path}
	switch warning, err := checkAccess(f); {
	case err != nil:
		p.Message = "contains a secret, but " + err.Error()
		l.problems = append(l.problems, p)
	case warning != "":
		p.Message = "contains a secret, and " + warning
		l.warnings = append(l.warnings, p)
	}
}

func (l *loader) fileHasSecret() bool {
	for i, e := range l.config.Environments {
		for key, secret := range map[string]Secret{"client_secret": e.Credential.ClientSecret, "certificate_password": e.Credential.CertificatePassword} {
			if at := l.places[element("environments", i)+".credential."+key]; at.file != "" && !secret.IsZero() {
				return true
			}
		}
	}
	return false
}
