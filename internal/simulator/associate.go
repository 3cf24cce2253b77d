package simulator

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
)

// associate is POST to the $ref of a navigation property that holds many.
func (c *call) associate() {
	to, refusal := c.readReference()
	if refusal == nil {
		refusal = c.t.rows.associate(c.set, c.key, []link{{c.column, to}}, c.journal())
	}
	c.answerLink(refusal)
}

// setReference is PUT to the $ref of a navigation property that holds one.
func (c *call) setReference() {
	to, refusal := c.readReference()
	if refusal == nil {
		refusal = c.writeLookUp(lookUp(c.column, to))
	}
	c.answerLink(refusal)
}

// disassociate is DELETE of a $ref: of the record that $id names, or that the
// key after the property names; or of the only one there is.
func (c *call) disassociate() {
	drain(c.r)
	text, named := c.target.option("$id")
	related := c.related
	if named {
		to, refusal := c.resolve(text)
		if refusal != nil {
			c.refuse(refusal)
			return
		}
		related = to.id
	}
	if c.t.rows.holdsMany(c.set, c.column) {
		if related == "" {
			c.refuse(&odataError{http.StatusBadRequest, "0x80060888", "The $id of the record is missing."})
			return
		}
		c.answerLink(c.t.rows.disassociate(c.set, c.key, c.column, related, c.journal()))
		return
	}
	r, refusal := c.t.rows.find(c.set, c.key)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	if old, ok := r.leadsTo(c.column); related != "" && (!ok || old.id != related) {
		c.refuse(notFound(c.set, rowKey{id: related}))
		return
	}
	c.answerLink(c.writeLookUp(attribute{name: "_" + c.column + "_value", value: json.RawMessage("null")}))
}

// writeLookUp sets a look-up column of a record that must be there.
func (c *call) writeLookUp(a attribute) *odataError {
	_, _, refusal := c.t.rows.update(c.set, c.key, condition{ifMatch: "*"}, []attribute{a}, c.journal())
	return refusal
}

func (c *call) answerLink(refusal *odataError) {
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	c.executed(nil)
	writeEmpty(c.w, http.StatusNoContent)
}

// readReference reads a body of one reference: {"@odata.id":"accounts(guid)"}.
// The record must be there.
func (c *call) readReference() (reference, *odataError) {
	body, refusal := c.readAll()
	if refusal != nil {
		return reference{}, refusal
	}
	members, err := readObject(body)
	if err != nil {
		return reference{}, badPayload(c.set, err)
	}
	i := slices.IndexFunc(members, func(a attribute) bool { return a.name == "@odata.id" })
	var text string
	if i < 0 || json.Unmarshal(members[i].value, &text) != nil {
		return reference{}, badPayload(c.set, errors.New("the body has no string @odata.id"))
	}
	to, refusal := c.resolve(text)
	if refusal != nil {
		return to, refusal
	}
	_, refusal = c.t.rows.find(to.set, rowKey{id: to.id})
	return to, refusal
}

// readReferences is GET of a $ref: where the associated records are, and
// nothing of what is in them.
func (c *call) readReferences() {
	r, refusal := c.t.rows.find(c.set, c.key)
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	to, one := r.leadsTo(c.column)
	many := c.t.rows.holdsMany(c.set, c.column)
	if !one && !many {
		writeEmpty(c.w, http.StatusNoContent)
		return
	}
	if one {
		c.writeObject("$ref", func(o *object) { o.text("@odata.id", c.urlOf(to)) })
		return
	}
	c.writeObject("Collection($ref)", func(o *object) {
		linked := r.linked(c.column)
		o.name("value")
		list(o.out, len(linked), func(i int) {
			id := newObject(o.out)
			id.text("@odata.id", c.urlOf(linked[i]))
			id.end()
		})
	})
}

// urlOf is the absolute URL of a record.
func (c *call) urlOf(to reference) string { return c.base() + to.set + "(" + to.id + ")" }
