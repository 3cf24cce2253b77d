package simulator

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
)

// countCap is the most that Dataverse counts.
const countCap = 5000

// list is GET of a set: filter, order, a page of it, and the link to the next.
// Or, with the token of a delta link, what has changed.
func (c *call) list() {
	if _, ok := c.target.option("$deltatoken"); ok {
		c.listChanges()
		return
	}
	if refusal := c.track(); refusal != nil {
		c.refuse(refusal)
		return
	}
	c.listRows(c.t.rows.all(c.set))
}

// listRows is the same for the rows that a navigation property leads to.
func (c *call) listRows(rows []*row) {
	from, refusal := c.t.pages.resume(c.target)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	if from.since != 0 {
		c.since = from.since // the first page decides
	}
	rows, refusal = c.matching(rows)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	total := len(rows)
	ordered, refusal := c.order(rows)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	limit, refusal := c.top()
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	rows = from.rest(rows, ordered)
	if limit >= 0 {
		rows = rows[:min(len(rows), max(0, limit-from.seen))]
	}
	page := rows[:min(len(rows), c.pageSize())]
	next := ""
	if len(page) < len(rows) {
		next = c.t.pages.link(c, from, page)
	}
	c.writePage(page, total, next)
}

// matching returns the rows that $filter lets through, in the order in which
// they came.
func (c *call) matching(rows []*row) ([]*row, *odataError) {
	value, ok := c.target.option("$filter")
	if !ok {
		return rows, nil
	}
	test, err := readFilter(c.set, value)
	if err != nil {
		return nil, badQuery("$filter", value)
	}
	return slices.DeleteFunc(rows, func(r *row) bool { return !test(r) }), nil
}

func (c *call) order(rows []*row) (ordered bool, refusal *odataError) {
	value, ok := c.target.option("$orderby")
	if !ok {
		return false, nil
	}
	compare, err := readOrder(c.set, value)
	if err != nil {
		return false, badQuery("$orderby", value)
	}
	slices.SortStableFunc(rows, compare)
	return true, nil
}

// top is $top, -1 if it is not given.
func (c *call) top() (int, *odataError) {
	value, ok := c.target.option("$top")
	if !ok {
		return -1, nil
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return 0, badQuery("$top", value)
	}
	return n, nil
}

// pageSize is how many rows a page has, and says that the client chose it.
func (c *call) pageSize() int {
	if value := c.prefers("odata.maxpagesize"); isCount(value) {
		c.applied("odata.maxpagesize=" + value)
	}
	return c.pageLimit()
}

func (c *call) pageLimit() int {
	value := c.prefers("odata.maxpagesize")
	if !isCount(value) {
		return c.t.opts.PageSize
	}
	n, _ := strconv.Atoi(value) // it is a number
	return min(n, DefaultPageSize)
}

func isCount(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0
}

func (c *call) writePage(page []*row, total int, next string) {
	selected, context := c.selection()
	v := c.newView(c.set, selected, c.expansions())
	var out bytes.Buffer
	o := newObject(&out)
	v.context(o, c.set+context)
	if value, _ := c.target.option("$count"); value == "true" {
		o.raw("@odata.count", strconv.AppendInt(nil, int64(min(total, countCap)), 10))
	}
	o.name("value")
	list(&out, len(page), func(i int) {
		one := newObject(&out)
		v.record(one, page[i])
		one.end()
	})
	if next != "" {
		o.text("@odata.nextLink", next)
	} else if c.since != 0 {
		o.text("@odata.deltaLink", c.t.pages.deltaLink(c, c.since))
	}
	o.end()
	c.writeJSON(http.StatusOK, out.Bytes())
}

// writeJSON answers with JSON of the level that the client asked for.
func (c *call) writeJSON(status int, body []byte) {
	kind := contentType(c.r)
	if c.inner {
		kind += "; odata.streaming=true"
	}
	writeBody(c.w, c.r, status, kind, body)
}

// countRows is GET of a set's $count: a bare number.
func (c *call) countRows() {
	rows, refusal := c.matching(c.t.rows.all(c.set))
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	writeBody(c.w, c.r, http.StatusOK, "text/plain", []byte(strconv.Itoa(min(len(rows), countCap))))
}
