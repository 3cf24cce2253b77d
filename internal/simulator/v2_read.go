package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	v2Type = "application/json;charset=utf-8"
	// v2Page is the largest page of the data service.
	v2Page = 50
)

// v2URL is where a record is. The service spells its own path in lower case there.
func (c *call) v2URL(to reference) string {
	return c.t.requestOrigin(c.r) + "/xrmservices/2011/OrganizationData.svc/" + v2Entity(to.set) + "Set(guid'" + to.id + "')"
}

// listV2 is GET of a set.
func (c *call) listV2() { c.listRowsV2(c.t.rows.all(c.set)) }

// listLinkedV2 is GET of a navigation property that holds many.
func (c *call) listLinkedV2() {
	r, refusal := c.t.rows.find(c.set, c.key)
	if refusal != nil {
		c.refuseV2(refusal)
		return
	}
	to := r.linked(c.column)
	if len(to) > 0 {
		c.set = to[0].set
	}
	c.listRowsV2(c.t.rows.rowsOf(to))
}

func (c *call) listRowsV2(rows []*row) {
	from, ok := position{page: 1}, true
	if _, isNext := c.target.option("$skiptoken"); isNext {
		from, ok = c.t.pages.findDecoded(c.target)
	}
	if !ok {
		c.refuseV2(errSkipToken)
		return
	}
	if value, ok := c.target.option("$filter"); ok {
		test, err := readFilter(c.set, v2Filter(value))
		if err != nil {
			c.refuseV2(badQuery("$filter", value))
			return
		}
		rows = keep(rows, test)
	}
	top, refusal := c.top()
	if refusal != nil {
		c.refuseV2(refusal)
		return
	}
	rows = from.rest(rows, false)
	if top >= 0 {
		rows = rows[:min(len(rows), max(0, top-from.seen))]
	}
	page, next := rows[:min(len(rows), v2Page, c.t.opts.PageSize)], ""
	if len(page) < len(rows) {
		next = c.t.pages.linkV2(c, from, page)
	}
	c.writeV2(http.StatusOK, func(o *object) {
		list(o.out, len(page), func(i int) { c.recordV2(o.out, page[i]) })
	}, next)
}

func keep(rows []*row, test func(*row) bool) (kept []*row) {
	for _, r := range rows {
		if test(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// v2Filter turns the names of a filter into those of the columns:
// PrimaryContactId/Id is _primarycontactid_value. Quoted text stays.
func v2Filter(filter string) string {
	words, err := splitWords(filter)
	if err != nil {
		return filter
	}
	for i, word := range words {
		name, isID := strings.CutSuffix(word, "/Id")
		switch {
		case isID && isIdentifier(name):
			words[i] = "_" + strings.ToLower(name) + "_value"
		case isIdentifier(word):
			words[i] = strings.ToLower(word)
		case strings.HasPrefix(word, "guid'"):
			words[i] = strings.TrimSuffix(strings.TrimPrefix(word, "guid'"), "'")
		}
	}
	return strings.Join(words, " ")
}

// linkV2 makes the link to the next page. Its query is the client's, decoded
// but for the token: there are raw spaces in it, so it is known by what it
// decodes to.
func (p *pageTable) linkV2(c *call, from position, page []*row) string {
	first, last := page[0], page[len(page)-1]
	query := unescape(c.target.queryWithout("$skiptoken"), true)
	if query != "" {
		query += "&"
	}
	token := fmt.Sprintf("%%7B%s%%7D", strings.ToUpper(last.id)) + "','" + fmt.Sprintf("%%7B%s%%7D", strings.ToUpper(first.id))
	query += "$skiptoken=" + strconv.Itoa(from.page) + ",'" + primaryKey(c.set) + "','" + token + "'"
	target := c.target.path + "?" + query
	p.remember(unescape(target, true), position{page: from.page + 1, seen: from.seen + len(page), afterSeq: last.seq})
	return c.t.requestOrigin(c.r) + target
}

func (p *pageTable) findDecoded(tg target) (position, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, ok := p.issued[unescape(tg.path+"?"+tg.query, true)]
	return at, ok
}

// readV2 is GET of a record.
func (c *call) readV2() {
	r, refusal := c.t.rows.find(c.set, c.key)
	if refusal != nil {
		c.refuseV2(refusal)
		return
	}
	c.writeV2(http.StatusOK, func(o *object) { c.recordV2(o.out, r) }, "")
}

// writeV2 answers {"d": ...}, with results and __next around a page.
func (c *call) writeV2(status int, content func(*object), next string) {
	var out bytes.Buffer
	o := newObject(&out)
	o.name("d")
	if c.key.id == "" || c.column != "" {
		d := newObject(&out)
		d.name("results")
		content(d)
		if next != "" {
			d.text("__next", next)
		}
		d.end()
	} else {
		content(o)
	}
	o.end()
	writeBody(c.w, c.r, status, v2Type, out.Bytes())
}

// recordV2 writes a record: where it is, its columns, and where what it leads
// to is.
func (c *call) recordV2(out *bytes.Buffer, r *row) {
	const kind = "Microsoft.Crm.Sdk.Data.Services."
	url := c.v2URL(reference{c.set, r.id})
	o := newObject(out)
	o.name("__metadata")
	m := newObject(out)
	m.text("uri", url)
	m.text("type", kind+v2Entity(c.set))
	m.end()
	o.text(v2Entity(c.set)+"Id", r.id)
	for _, a := range r.attributes {
		if a.set == "" {
			o.raw(v2Name(a.name), a.value)
			continue
		}
		o.name(v2Name(strings.TrimSuffix(strings.TrimPrefix(a.name, "_"), "_value")))
		ref := newObject(out)
		ref.raw("__metadata", json.RawMessage(`{"type":"`+kind+`EntityReference"}`))
		ref.raw("Id", a.value)
		ref.text("LogicalName", entityName(a.set))
		ref.end()
	}
	for _, nav := range append([]string{v2Entity(c.set) + "_Annotation"}, c.t.rows.manyOf(c.set)...) {
		o.name(nav)
		deferred := newObject(out)
		deferred.name("__deferred")
		to := newObject(out)
		to.text("uri", url+"/"+nav)
		to.end()
		deferred.end()
	}
	o.end()
}
