package simulator

import "strings"

// expansion is one navigation property in $expand.
type expansion struct {
	property string
	onlyRef  bool     // property/$ref
	selected []string // nil for all columns
	query    string   // its own options as they came, for the link to the rest
}

// expansions reads $expand: properties, each with options in parentheses, of
// which $select counts here. Deeper ones are let pass and have no effect.
func (c *call) expansions() []expansion {
	value, _ := c.target.option("$expand")
	var out []expansion
	for _, item := range splitOutside(value, ',') {
		name, options, _ := strings.Cut(strings.TrimSpace(item), "(")
		e := expansion{}
		if e.property, e.onlyRef = strings.CutSuffix(name, "/$ref"); e.property == "" {
			continue
		}
		for _, option := range splitOutside(strings.TrimSuffix(options, ")"), ';') {
			if list, ok := strings.CutPrefix(strings.TrimSpace(option), "$select="); ok {
				e.selected, e.query = splitNames(list), "?$select="+list
			}
		}
		out = append(out, e)
	}
	return out
}

// splitOutside cuts at the separators that are in no parentheses.
func splitOutside(s string, separator byte) []string {
	var parts []string
	depth, start := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '(':
			depth++
		case ')':
			depth--
		case separator:
			if depth == 0 {
				parts = append(parts, s[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, s[start:])
}

// expansions writes what $expand asks for. A property that leads nowhere is
// null if it might hold one record.
func (v *view) expansions(o *object, r *row) {
	for _, e := range v.expanded {
		if v.c.t.rows.holdsMany(v.set, e.property) {
			v.expandMany(o, r, e)
			continue
		}
		to, ok := r.leadsTo(e.property)
		rows := v.c.t.rows.rowsOf([]reference{to})
		o.name(e.property)
		if !ok || len(rows) == 0 {
			o.out.WriteString("null")
			continue
		}
		v.expandOne(o, to, rows[0], e)
	}
}

func (v *view) expandOne(o *object, to reference, r *row, e expansion) {
	one := newObject(o.out)
	if e.onlyRef {
		one.text("@odata.id", v.c.urlOf(to))
	} else {
		v.c.newView(to.set, e.selected, nil).record(one, r)
	}
	one.end()
}

// expandMany writes a page of the records that are linked and, to a client that
// set the size of pages, where all of them are.
func (v *view) expandMany(o *object, r *row, e expansion) {
	all := r.linked(e.property)
	var there []reference
	var rows []*row
	for _, to := range all {
		if found := v.c.t.rows.rowsOf([]reference{to}); len(found) > 0 && len(rows) < v.c.pageLimit() {
			there, rows = append(there, to), append(rows, found[0])
		}
	}
	o.name(e.property)
	list(o.out, len(rows), func(i int) { v.expandOne(o, there[i], rows[i], e) })
	if v.c.prefers("odata.maxpagesize") != "" && len(rows) > 0 && !e.onlyRef {
		o.text(e.property+"@odata.nextLink", v.c.urlOf(reference{v.set, r.id})+"/"+e.property+e.query)
	}
}
