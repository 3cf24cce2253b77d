package config

import "strings"

// LoadAdmin reads where the admin listener of a running dvproxy is, from the
// same places as [Load]. Mistakes elsewhere are none of its business, so that a
// program beside dvproxy needs to know no more than that. The error is
// [Problems].
func LoadAdmin(src Source) (Admin, error) {
	l := newLoader(src)
	if !l.read() {
		return Admin{}, l.problems
	}
	l.overrideShared()
	a := &l.config.Admin
	if !a.Off() {
		l.listen(nil, "admin.listen", &a.Listen, parseTCP)
	}
	var own Problems
	for _, p := range l.problems {
		if strings.HasPrefix(p.Setting, "admin") || p.Setting == "--admin" || strings.HasPrefix(p.Setting, "DVPROXY_ADMIN") {
			own = append(own, p)
		}
	}
	if len(own) > 0 {
		return Admin{}, sorted(own)
	}
	return *a, nil
}
