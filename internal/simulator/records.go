package simulator

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

// create is POST to a set.
func (c *call) create() {
	attributes, refusal := c.readBodyWithID()
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	r, refusal := c.t.rows.create(c.set, c.key.id, attributes, c.journal())
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	c.bindMany(r)
	c.executed(attributes)
	c.answerWrite(r, true)
}

// readBodyWithID reads the body of a create, which may choose the record's id.
func (c *call) readBodyWithID() ([]attribute, *odataError) {
	attributes, refusal := c.readBody()
	if refusal != nil {
		return nil, refusal
	}
	var kept []attribute
	for _, a := range attributes {
		var id string
		if a.name == primaryKey(c.set) && json.Unmarshal(a.value, &id) == nil && isGUID(id) {
			c.key.id = strings.ToLower(id)
			continue
		}
		kept = append(kept, a)
	}
	return kept, nil
}

// patch updates a record or, without If-Match, creates it.
func (c *call) patch() {
	attributes, refusal := c.readBody()
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	r, created, refusal := c.t.rows.update(c.set, c.key, readCondition(c.r), attributes, c.journal())
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	c.bindMany(r)
	c.executed(attributes)
	c.answerWrite(r, created)
}

// bindMany associates the records that the body of a write lists.
func (c *call) bindMany(r *row) {
	if len(c.bound) > 0 {
		c.t.rows.associate(c.set, rowKey{id: r.id}, c.bound, c.journal()) // the row is there
	}
}

// remove is DELETE of a record.
func (c *call) remove() {
	drain(c.r)
	if refusal := c.t.rows.remove(c.set, c.key, readCondition(c.r), c.journal()); refusal != nil {
		c.refuse(refusal)
		return
	}
	c.executed(nil)
	writeEmpty(c.w, http.StatusNoContent)
}

// answerWrite names the record that was written, and shows it to a client that
// asked to see it.
func (c *call) answerWrite(r *row, created bool) {
	url := c.base() + c.set + "(" + r.id + ")"
	h := c.w.Header()
	h[headerEntityID] = []string{url}
	if c.prefers("return") != "representation" {
		writeEmpty(c.w, http.StatusNoContent)
		return
	}
	c.applied("return=representation")
	h[headerETag] = []string{r.etag()}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
		h["Location"] = []string{url}
	}
	c.writeRecord(status, r)
}

// readOne is GET of a record.
func (c *call) readOne() {
	r, refusal := c.t.rows.find(c.set, c.key)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	c.w.Header()[headerETag] = []string{r.etag()}
	if readCondition(c.r).unchanged(r) {
		writeEmpty(c.w, http.StatusNotModified)
		return
	}
	c.writeRecord(http.StatusOK, r)
}

func (c *call) writeRecord(status int, r *row) {
	selected, context := c.selection()
	v := c.newView(c.set, selected, c.expansions())
	var out bytes.Buffer
	o := newObject(&out)
	v.context(o, c.set+context+"/$entity")
	v.record(o, r)
	o.end()
	c.writeJSON(status, out.Bytes())
}

// selection is $select as a list, nil for all columns, and as it stands in
// @odata.context.
func (c *call) selection() (selected []string, context string) {
	value, ok := c.target.option("$select")
	if !ok || value == "*" {
		return nil, ""
	}
	selected = splitNames(value)
	return selected, "(" + strings.Join(selected, ",") + ")"
}

func splitNames(list string) (names []string) {
	for name := range strings.SplitSeq(list, ",") {
		names = append(names, strings.TrimSpace(name))
	}
	return names
}
