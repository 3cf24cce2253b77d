// Package systemd holds the unit, so that packages and "dvproxy service install"
// install the same.
package systemd

import _ "embed" // for the unit

// Unit is dvproxy.service.
//
//go:embed dvproxy.service
var Unit string
