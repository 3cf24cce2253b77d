package main

import (
	"fmt"
	"net/url"
	"strings"

	"dvproxy/internal/config"
	"dvproxy/internal/listen"
	"dvproxy/internal/odata"
)

// publicHosts are what a Host header says of the public origin.
func publicHosts(origin string) []string {
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Host == "": // there is none
		return nil
	case u.Port() != "":
		return []string{u.Host}
	case u.Scheme == "https":
		return []string{u.Host, u.Host + ":443"}
	}
	return []string{u.Host, u.Host + ":80"}
}

// newLinks makes what maps links between an environment and the names of its
// listener. Answers to a client that names none lead to the listen origin.
func newLinks(c config.Environment, endpoint *listen.Endpoint, hosts []string, counts *odata.Counts) (*odata.Mapper, error) {
	o := odata.Origins{
		Remote: append([]string{c.URL}, c.Aliases...),
		Local:  []string{endpoint.Origin()},
		Public: c.PublicURL,
		Counts: counts,
	}
	scheme, _, _ := strings.Cut(endpoint.Origin(), "://")
	for _, name := range hosts {
		o.Local = append(o.Local, scheme+"://"+name)
	}
	m, err := odata.New(o)
	if err != nil {
		return nil, fmt.Errorf("environment %s: links: %w", c.Name, err)
	}
	return m, nil
}
