package config

import (
	"regexp"
	"strings"
)

// checkLinks normalises the origins that links may have, and fills in the
// twin of an environment in Microsoft's clouds.
func (l *loader) checkLinks(e *Environment, path string) {
	at := path + ".aliases"
	if !l.has(at) {
		e.Aliases = twins(e.URL)
	}
	for i, alias := range e.Aliases {
		o, problem := parseOrigin(alias)
		if problem != "" {
			l.problem(element(at, i), "%s", problem)
			continue
		}
		e.Aliases[i] = o.String()
	}
	l.checkPublicURL(e, path+".public_url")
}

// checkPublicURL takes http:// for any host: what lies between clients and
// dvproxy is not for this setting to judge.
func (l *loader) checkPublicURL(e *Environment, at string) {
	if e.PublicURL == "" {
		return
	}
	o, u, problem := parseAnyURL(e.PublicURL)
	if problem == "" {
		problem = alone(o, u)
	}
	if problem != "" {
		l.problem(at, "%s", problem)
		return
	}
	e.PublicURL = o.String()
	for _, remote := range append([]string{e.URL}, e.Aliases...) {
		if e.PublicURL == remote {
			l.problem(at, "is an origin of the environment itself; clients that use it do not reach dvproxy")
		}
	}
}

// ofDataverse is a host of Dataverse's: contoso.crm4.dynamics.com, or with
// .api. in it. The clouds are those of Microsoft's list of datacenter regions.
var ofDataverse = regexp.MustCompile(`^https://([^./]+)\.(api\.)?(crm[0-9]*\.(?:dynamics\.com|dynamics\.cn|microsoftdynamics\.us|appsplatform\.us))$`)

// twins are the other origins that a Dataverse environment answers to and puts
// into links: each has one name with .api. in it and one without.
func twins(origin string) []string {
	m := ofDataverse.FindStringSubmatch(strings.ToLower(origin))
	switch {
	case m == nil:
		return nil
	case m[2] == "":
		return []string{"https://" + m[1] + ".api." + m[3]}
	}
	return []string{"https://" + m[1] + "." + m[3]}
}
