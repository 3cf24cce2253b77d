package config

import (
	"strconv"
	"strings"
)

// listener is an address that dvproxy listens on, and the setting that says so.
type listener struct {
	path string
	address
}

// checkListeners wants addresses that do not get in each other's way, that the
// environments are not behind, and that strangers do not reach unasked.
func (l *loader) checkListeners() {
	var taken []listener
	c := &l.config
	if c.Admin.Listen != "off" {
		taken = l.listen(taken, "admin.listen", &c.Admin.Listen)
	} else if c.Admin.Quit {
		l.problem("admin.quit", "must be false where admin.listen is off: there is no listener to be told by")
	}
	for i := range c.Environments {
		e, path := &c.Environments[i], element("environments", i)
		before := len(taken)
		if taken = l.listen(taken, path+".listen", &e.Listen); len(taken) > before {
			l.checkReach(e, path, taken[before].address)
		}
	}
	for i := range c.Environments {
		path := element("environments", i)
		l.checkLoop(c.Environments[i].URL, path+".url", taken)
		for j, alias := range c.Environments[i].Aliases {
			l.checkLoop(alias, element(path+".aliases", j), taken)
		}
	}
}

// listen adds the listener at path to those taken, normalised.
func (l *loader) listen(taken []listener, path string, text *string) []listener {
	if l.broken(path) {
		return taken
	}
	a, problem := parseListen(*text)
	if problem != "" {
		l.problem(path, "%s", problem)
		return taken
	}
	for _, other := range taken {
		if a.overlaps(other.address) {
			l.problem(path, "%s is where %s listens already; give each listener a port of its own, for example localhost:%s",
				a, other.path, strconv.Itoa(7081+len(taken)))
			return taken
		}
	}
	*text = a.String()
	return append(taken, listener{path, a})
}

// checkReach refuses a listener beyond this machine that anyone could use, or
// on which others could listen in, unless these dangers are accepted.
func (l *loader) checkReach(e *Environment, path string, a address) {
	if a.loopback() {
		return
	}
	var missing []string
	if len(e.Clients) == 0 && !e.Guard.DangerouslyAllowAnyone {
		missing = append(missing, "set clients, or accept guard.dangerously_allow_anyone: true")
	}
	if !e.Guard.DangerouslyAllowPlaintext {
		missing = append(missing, "accept guard.dangerously_allow_plaintext: true, since dvproxy does not speak TLS yet")
	}
	if len(missing) > 0 {
		l.problem(path+".listen", "is reached from beyond this machine; listen on localhost, or in the file %s", strings.Join(missing, ", and "))
	}
}

// checkLoop refuses a url that leads back to one of our listeners.
func (l *loader) checkLoop(text, path string, listeners []listener) {
	o, problem := parseOrigin(text)
	if problem != "" || !o.loopback() {
		return
	}
	for _, own := range listeners {
		if o.overlaps(own.address) {
			l.problem(path, "leads back to dvproxy itself, which listens on %s; it must be the Dataverse environment", own.address)
			return
		}
	}
}
