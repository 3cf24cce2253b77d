package simulator

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
)

// whoAmI answers the call that tools use to see whether they got in.
func (c *call) whoAmI() {
	allow(c.w.Header(), "OPTIONS,GET,HEAD,POST") // what the capture says, though POST is none of it
	c.writeObject("Microsoft.Dynamics.CRM.WhoAmIResponse", func(o *object) {
		o.text("BusinessUnitId", c.t.unitID)
		o.text("UserId", c.t.userID)
		o.text("OrganizationId", c.t.orgID)
	})
}

// writeObject answers with one object that is no record.
func (c *call) writeObject(context string, members func(*object)) {
	var out bytes.Buffer
	o := newObject(&out)
	c.newView("", nil, nil).context(o, context)
	members(o)
	o.end()
	c.writeJSON(http.StatusOK, out.Bytes())
}

// serviceDocument lists the entity sets. OData JSON 5.
func (c *call) serviceDocument() {
	sets := append(c.t.rows.names(), "accounts", "contacts")
	slices.Sort(sets)
	sets = slices.Compact(sets)
	var out bytes.Buffer
	o := newObject(&out)
	if metadataLevel(c.r) != levelNone {
		o.text("@odata.context", c.base()+"$metadata")
	}
	o.name("value")
	list(&out, len(sets), func(i int) {
		fmt.Fprintf(&out, `{"name":"%s","kind":"EntitySet","url":"%s"}`, sets[i], sets[i])
	})
	o.end()
	c.writeJSON(http.StatusOK, out.Bytes())
}

// metadata is a CSDL document that names the sets and no column: columns are
// whatever clients write.
func (c *call) metadata() {
	var out bytes.Buffer
	out.WriteString(`<?xml version="1.0" encoding="utf-8"?><edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices><Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">`)
	sets := c.t.rows.names()
	for _, set := range sets {
		fmt.Fprintf(&out, `<EntityType Name="%s" OpenType="true"><Key><PropertyRef Name="%s"/></Key><Property Name="%s" Type="Edm.Guid"/></EntityType>`,
			entityName(set), primaryKey(set), primaryKey(set))
	}
	out.WriteString(`<EntityContainer Name="System">`)
	for _, set := range sets {
		fmt.Fprintf(&out, `<EntitySet Name="%s" EntityType="Microsoft.Dynamics.CRM.%s"/>`, set, entityName(set))
	}
	out.WriteString(`</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>`)
	writeBody(c.w, c.r, http.StatusOK, "application/xml", out.Bytes())
}
