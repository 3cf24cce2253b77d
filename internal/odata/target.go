package odata

import "strings"

// Target maps the links in a request target's query: the value of $id, which
// names the record that a DELETE of a reference is about, and those in
// parameter aliases (@p=), either the whole value or the value of an
// @odata.id in it. They may be percent-encoded and are written back alike.
// Everything else stays byte for byte: the path, the order of parameters, and
// whatever a parser of queries would have trouble with, such as semicolons, a
// bare percent sign or a raw space.
// OData 4.0 Protocol 11.4.6.2; OData 4.0 URL Conventions 5.3.
func (v *View) Target(target string) string {
	if v == nil {
		return target
	}
	out, n := v.sent.target(target)
	if n > 0 {
		v.sent.count.Add(uint64(n))
	}
	return out
}

// target is Target, and the number of links mapped.
func (s *swap) target(target string) (string, int) {
	q := strings.IndexByte(target, '?')
	if q < 0 {
		return target, 0
	}
	var (
		out    strings.Builder
		done   int // target[:done] has been written
		mapped int
	)
	for at := q + 1; at < len(target); {
		end := len(target)
		if i := strings.IndexByte(target[at:], '&'); i >= 0 {
			end = at + i
		}
		name, value, _ := strings.Cut(target[at:end], "=")
		if kind := parameter(name); kind != otherParameter && value != "" {
			text, n := s.value(value, kind)
			if n > 0 {
				out.WriteString(target[done : end-len(value)])
				out.WriteString(text)
				done = end
				mapped += n
			}
		}
		at = end + 1
	}
	if mapped == 0 {
		return target, 0
	}
	out.WriteString(target[done:])
	return out.String(), mapped
}

// parameterKind tells which parameters of a query may hold links.
type parameterKind uint8

const (
	otherParameter parameterKind = iota
	idParameter                  // $id
	aliasParameter               // @p
)

func parameter(name string) parameterKind {
	switch {
	case name == "$id", name == "%24id":
		return idParameter
	case strings.HasPrefix(name, "@"), strings.HasPrefix(name, "%40"):
		return aliasParameter
	}
	return otherParameter
}

// value maps the value of a parameter.
func (s *swap) value(value string, kind parameterKind) (string, int) {
	if n, sp, v := matchAny(s.from, value, inQuery); v == yes {
		return s.query(value, sp) + value[n:], 1
	}
	if kind == aliasParameter {
		return s.alias(value)
	}
	return value, 0
}

// query is the replacement for a link in a query, spelt like the link.
func (s *swap) query(link string, sp spelling) string {
	if sp.colon == 1 && sp.slash == 1 {
		return s.to.text
	}
	colon := link[sp.at : sp.at+sp.colon]
	slash := link[sp.at+sp.colon : sp.at+sp.colon+sp.slash]
	pairs := []string{":", colon, "/", slash}
	switch colon { // who encodes a colon encodes brackets: http://[::1]
	case "%3A":
		pairs = append(pairs, "[", "%5B", "]", "%5D")
	case "%3a":
		pairs = append(pairs, "[", "%5b", "]", "%5d")
	}
	return strings.NewReplacer(pairs...).Replace(s.to.text)
}
