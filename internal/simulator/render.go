package simulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// How much an answer says beyond the data. OData 4.0 JSON Format 3.1.
const (
	levelNone    = "none" // links to the next page and counts
	levelMinimal = "minimal"
	levelFull    = "full" // also all links that a client could work out
)

// metadataLevel is what the client asks for in Accept.
func metadataLevel(r *http.Request) string {
	accept := strings.ToLower(strings.Join(r.Header.Values("Accept"), ","))
	for _, level := range []string{levelFull, levelNone} {
		if strings.Contains(accept, "odata.metadata="+level) {
			return level
		}
	}
	return levelMinimal
}

// contentType is the type of a JSON answer, and says its level.
func contentType(r *http.Request) string {
	return "application/json; odata.metadata=" + metadataLevel(r)
}

// everywhere are navigation properties that the records of every set have.
func everywhere() []string { return []string{"createdby", "modifiedby", "ownerid"} }

// view is how an answer shows the records of a set.
type view struct {
	c        *call
	set      string
	level    string
	selected []string // nil for all columns
	expanded []expansion
	navs     []string // for the full level
}

func (c *call) newView(set string, selected []string, expanded []expansion) *view {
	v := &view{c: c, set: set, level: metadataLevel(c.r), selected: selected, expanded: expanded}
	if v.level == levelFull {
		v.navs = append(everywhere(), c.t.rows.manyOf(set)...)
	}
	return v
}

// context begins an answer with its context, unless it is to have none.
func (v *view) context(o *object, fragment string) {
	if v.level != levelNone {
		o.text("@odata.context", v.c.base()+"$metadata#"+fragment)
	}
}

// record writes the members of a record: annotations, its key, the columns,
// what is expanded. With a selection it is those columns, null where the record
// has none.
func (v *view) record(o *object, r *row) {
	url := v.c.urlOf(reference{v.set, r.id})
	if v.level == levelFull {
		o.text("@odata.type", "#Microsoft.Dynamics.CRM."+entityName(v.set))
		o.text("@odata.id", url)
	}
	if v.level != levelNone {
		o.text("@odata.etag", r.etag())
	}
	key := primaryKey(v.set)
	if v.level == levelFull {
		o.text("@odata.editLink", url)
		o.text(key+"@odata.type", "#Guid")
	}
	o.text(key, r.id)
	v.columns(o, r)
	v.expansions(o, r)
	if v.level == levelFull {
		v.navigation(o, r, url)
	}
}

func (v *view) columns(o *object, r *row) {
	if v.selected == nil {
		for _, a := range r.attributes {
			o.raw(a.name, a.value)
		}
		return
	}
	for _, name := range v.selected {
		if name == primaryKey(v.set) {
			continue
		}
		value := r.get(name)
		if value == nil {
			value = json.RawMessage("null")
		}
		o.raw(name, value)
	}
}

// navigation writes the two links of each navigation property. OData 4.0 JSON
// Format 8.
func (v *view) navigation(o *object, r *row, url string) {
	navs := slices.Clone(v.navs)
	for _, a := range r.attributes {
		if a.set != "" {
			navs = append(navs, strings.TrimSuffix(strings.TrimPrefix(a.name, "_"), "_value"))
		}
	}
	slices.Sort(navs)
	for _, nav := range slices.Compact(navs) {
		o.text(nav+"@odata.associationLink", url+"/"+nav+"/$ref")
		o.text(nav+"@odata.navigationLink", url+"/"+nav)
	}
}
