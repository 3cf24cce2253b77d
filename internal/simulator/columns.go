package simulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
)

// readColumn is GET of one column of a record, of the file in it, or of the
// records that a navigation property leads to.
func (c *call) readColumn() {
	r, refusal := c.t.rows.find(c.set, c.key)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	if f := c.t.rows.getFile(fileKey{c.set, r.id, c.column}); f != nil {
		c.readFile(r, f)
		return
	}
	if to, ok := r.leadsTo(c.column); ok {
		c.set, c.key = to.set, rowKey{id: to.id}
		c.readOne()
		return
	}
	if c.t.rows.holdsMany(c.set, c.column) {
		c.listLinked(r.linked(c.column))
		return
	}
	value := r.get(c.column)
	if value == nil || bytes.Equal(value, []byte("null")) {
		writeEmpty(c.w, http.StatusNoContent)
		return
	}
	var out bytes.Buffer
	o := newObject(&out)
	c.newView(c.set, nil, nil).context(o, c.set+"("+r.id+")/"+c.column)
	o.raw("value", value)
	o.end()
	c.writeJSON(http.StatusOK, out.Bytes())
}

// listLinked shows the records that references name, those of the first one's set.
func (c *call) listLinked(references []reference) {
	if len(references) > 0 {
		c.set = references[0].set
	}
	references = slices.DeleteFunc(references, func(to reference) bool { return to.set != c.set })
	rows := c.t.rows.rowsOf(references)
	slices.SortFunc(rows, func(a, b *row) int { return cmp.Compare(a.seq, b.seq) })
	c.listRows(rows)
}

// writeColumn is PUT of one column: {"value": ...}.
func (c *call) writeColumn() {
	members, refusal := c.readBody()
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	i := slices.IndexFunc(members, func(a attribute) bool { return a.name == "value" })
	if i < 0 {
		c.refuse(badPayload(c.set, errors.New("the body has no member value")))
		return
	}
	c.setColumn(members[i].value)
}

// clearColumn is DELETE of one column, or of the file in it.
func (c *call) clearColumn() {
	drain(c.r)
	if r, refusal := c.t.rows.find(c.set, c.key); refusal == nil && c.t.rows.setFile(fileKey{c.set, r.id, c.column}, nil, c.journal()) {
		c.executed(nil)
		writeEmpty(c.w, http.StatusNoContent)
		return
	}
	c.setColumn(json.RawMessage("null"))
}

func (c *call) setColumn(value json.RawMessage) {
	cond := readCondition(c.r)
	setDefault(&cond.ifMatch, "*") // a column of a record that is not there makes none
	attributes := []attribute{{name: c.column, value: value}}
	r, _, refusal := c.t.rows.update(c.set, c.key, cond, attributes, c.journal())
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	c.executed(attributes)
	c.w.Header()[headerEntityID] = []string{c.base() + c.set + "(" + r.id + ")"}
	writeEmpty(c.w, http.StatusNoContent)
}
