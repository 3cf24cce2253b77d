package config

import (
	"os/user"
	"runtime"
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
		taken = l.listen(taken, "admin.listen", &c.Admin.Listen, parseTCP)
	} else if c.Admin.Quit {
		l.problem("admin.quit", "must be false where admin.listen is off: there is no listener to be told by")
	}
	for i := range c.Environments {
		e, path := &c.Environments[i], element("environments", i)
		before := len(taken)
		if taken = l.listen(taken, path+".listen", &e.Listen, parseListen); len(taken) > before {
			l.checkReach(e, path, taken[before].address)
			l.checkSocket(e, path, taken[before].address)
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
func (l *loader) listen(taken []listener, path string, text *string, parse func(string) (address, string)) []listener {
	if l.broken(path) {
		return taken
	}
	a, problem := parse(*text)
	if problem != "" {
		l.problem(path, "%s", problem)
		return taken
	}
	for _, other := range taken {
		if a.overlaps(other.address) {
			remedy := "port of its own, for example localhost:" + strconv.Itoa(7081+len(taken))
			if a.socket != "" {
				remedy = "path of its own"
			}
			l.problem(path, "%s is where %s listens already; give each listener a %s", a, other.path, remedy)
			return taken
		}
	}
	*text = a.String()
	return append(taken, listener{path, a})
}

// checkReach refuses a listener beyond this machine if it neither speaks TLS nor
// asks clients who they are, unless the file accepts the danger in each.
func (l *loader) checkReach(e *Environment, path string, a address) {
	if a.loopback() {
		return
	}
	var needs []string
	if !e.TLS.On() && !e.Guard.DangerouslyAllowPlaintext {
		needs = append(needs, "tls, or guard.dangerously_allow_plaintext: true")
	}
	if !e.asksClients() && !e.Guard.DangerouslyAllowAnyone {
		needs = append(needs, "clients, or guard.dangerously_allow_anyone: true")
	}
	if len(needs) > 0 {
		l.problem(path+".listen", "is reached from beyond this machine; listen on localhost, or set in the file %s", strings.Join(needs, "; and "))
	}
}

// asksClients reports whether only clients that are known may use the listener.
func (e *Environment) asksClients() bool { return len(e.Clients) > 0 }

// checkSocket wants a group that exists.
func (l *loader) checkSocket(e *Environment, path string, a address) {
	at := path + ".socket_group"
	switch {
	case e.SocketGroup == "":
	case a.socket == "":
		l.problem(at, "is for a Unix socket only; set listen to one, for example unix:/run/dvproxy/contoso.sock")
	case runtime.GOOS == "windows":
		l.problem(at, "is not to be had on Windows; leave it out, and put the socket in a folder that only the client's account can open")
	case !groupExists(e.SocketGroup):
		l.problem(at, "there is no such group on this machine; create it, or name another")
	}
}

func groupExists(name string) bool {
	if _, err := strconv.ParseUint(name, 10, 31); err == nil {
		return true // a number needs no name
	}
	_, err := user.LookupGroup(name)
	return err == nil
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
