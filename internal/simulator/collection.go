package simulator

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// countCap is the most that Dataverse counts.
const countCap = 5000

// list is GET of a set: filter, order, a page of it, and the link to the next.
func (c *call) list() { c.listRows(c.t.rows.all(c.set)) }

// listRows is the same for the rows that a navigation property leads to.
func (c *call) listRows(rows []*row) {
	from, refusal := c.t.pages.resume(c.target)
	if refusal != nil {
		c.refuse(refusal)
		return
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

func (c *call) pageSize() int {
	value := c.prefers("odata.maxpagesize")
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return c.t.opts.PageSize
	}
	c.applied("odata.maxpagesize=" + value)
	return min(n, DefaultPageSize)
}

func (c *call) writePage(page []*row, total int, next string) {
	selected, context := c.selection()
	var out bytes.Buffer
	out.WriteString(`{"@odata.context":`)
	writeString(&out, c.base()+"$metadata#"+c.set+context)
	if value, _ := c.target.option("$count"); value == "true" {
		fmt.Fprintf(&out, `,"@odata.count":%d`, min(total, countCap))
	}
	out.WriteString(`,"value":[`)
	for i, r := range page {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('{')
		appendRow(&out, c.set, r, selected)
		out.WriteByte('}')
	}
	out.WriteByte(']')
	if next != "" {
		out.WriteString(`,"@odata.nextLink":`)
		writeString(&out, next)
	}
	out.WriteByte('}')
	kind := contentType(c.r)
	if c.inner {
		kind += "; odata.streaming=true"
	}
	writeBody(c.w, c.r, http.StatusOK, kind, out.Bytes())
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
