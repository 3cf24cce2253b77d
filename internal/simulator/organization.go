package simulator

import (
	"strconv"
	"strings"
)

// currentOrganization is the function RetrieveCurrentOrganization. Its endpoints
// are published in two shapes, so it depends on AccessType which one comes:
// for Internet that of Microsoft's sample, a list of keys and one of values; for
// the others a list of objects, as clients have seen it.
func (c *call) currentOrganization() {
	parameters, refusal := c.functionParameters()
	if refusal == nil && (len(parameters) != 1 || parameters[0].name != "AccessType") {
		refusal = badQuery("AccessType", "")
	}
	if refusal != nil {
		c.refuse(refusal)
		return
	}
	origin := c.t.requestOrigin(c.r)
	keys := []string{"WebApplication", "OrganizationService", "OrganizationDataService"}
	values := []string{origin + "/", origin + "/XRMServices/2011/Organization.svc", origin + dataServicePath}
	c.writeObject("Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse", func(o *object) {
		o.name("Detail")
		d := newObject(o.out)
		d.text("OrganizationId", c.t.orgID)
		d.text("FriendlyName", "Simulator")
		d.text("OrganizationVersion", "9.2.22074.168")
		d.text("TenantId", c.t.opts.TenantID)
		d.text("UniqueName", "org"+c.t.orgID[:8])
		d.text("State", "Enabled")
		d.name("Endpoints")
		if strings.Contains(unquote(parameters[0].value), "'Internet'") {
			endpointLists(d, keys, values)
		} else {
			list(d.out, len(keys), func(i int) {
				e := newObject(d.out)
				e.text("key", keys[i])
				e.text("value", values[i])
				e.end()
			})
		}
		d.end()
	})
}

func endpointLists(d *object, keys, values []string) {
	e := newObject(d.out)
	e.raw("Count", strconv.AppendInt(nil, int64(len(keys)), 10))
	e.raw("IsReadOnly", []byte("false"))
	e.name("Keys")
	list(d.out, len(keys), func(i int) { writeString(d.out, keys[i]) })
	e.name("Values")
	list(d.out, len(values), func(i int) { writeString(d.out, values[i]) })
	e.end()
}
