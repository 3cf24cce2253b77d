package config

import "strings"

// Flag is a command line flag that sets a setting; see [Source.Args].
type Flag struct {
	Name, Env, Default, Usage string
}

// configFlag names the file, so it cannot be a setting in it.
var configFlag = Flag{Name: "config", Env: "DVPROXY_CONFIG", Usage: "configuration file"}

// Flags are the flags of dvproxy, --config first, the rest in the order of the
// declaration. Default is a text to show: the value of a flag that is not given
// is up to the variable, the file and the default, in that order.
func Flags() []Flag {
	flags := []Flag{configFlag}
	for l := range declared() {
		if name := l.tag.Get("flag"); name != "" {
			flags = append(flags, Flag{name, l.tag.Get("env"), l.shownDefault(), l.tag.Get("help")})
		}
	}
	return flags
}

// CredentialVariables are the variables that hold a credential, or name the
// file with one.
func CredentialVariables() []string {
	var names []string
	for l := range declared() {
		_, secret := l.value.Interface().(Secret)
		if env := l.tag.Get("env"); env != "" && (secret || strings.Contains(l.path, ".credential.") && l.tag.Get("path") == "file") {
			names = append(names, env)
		}
	}
	return names
}

// shownDefault is the default, or what there is in its place.
func (l leaf) shownDefault() string {
	if s := l.tag.Get("default"); s != "" {
		return s
	}
	return l.tag.Get("empty")
}
