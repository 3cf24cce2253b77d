package simulator

import (
	"strings"
	"testing"
)

func TestMetadataLevels(t *testing.T) {
	b := newPair(t)
	b.data("POST", accounts+one+"/contact_customer_accounts/$ref", `{"@odata.id":"contacts`+one+`"}`).want(t, 204, "")
	b.data("PUT", accounts+one+"/primarycontactid/$ref", `{"@odata.id":"contacts`+two+`"}`).want(t, 204, "")
	id := one[1:37]
	url := b.DataverseURL + accounts + one
	links := ""
	for _, nav := range []string{"contact_customer_accounts", "createdby", "modifiedby", "ownerid", "primarycontactid"} {
		links += `,"` + nav + `@odata.associationLink":"` + url + "/" + nav + `/$ref","` + nav + `@odata.navigationLink":"` + url + "/" + nav + `"`
	}
	context := `"@odata.context":"` + b.DataverseURL + `/api/data/v9.2/$metadata#accounts(name)`
	for level, want := range map[string]struct{ before, record string }{
		"full": {
			context, `"@odata.type":"#Microsoft.Dynamics.CRM.account","@odata.id":"` + url + `","@odata.etag":"W/\"73921468\"","@odata.editLink":"` + url +
				`","accountid@odata.type":"#Guid","accountid":"` + id + `","name":"A"` + links,
		},
		"minimal": {context, `"@odata.etag":"W/\"73921468\"","accountid":"` + id + `","name":"A"`},
		"none":    {"", `"accountid":"` + id + `","name":"A"`},
	} {
		page, entity := `{`, `{`
		if want.before != "" {
			page, entity = page+want.before+`",`, entity+want.before+`/$entity",`
		}
		for target, want := range map[string]string{
			accounts + "?$select=name":       page + `"value":[{` + want.record + `}]}`,
			accounts + one + "?$select=name": entity + want.record + `}`,
		} {
			a := b.data("GET", target, "", "Accept: application/json;odata.metadata="+level)
			if a.body != want || a.header.Get("Content-Type") != "application/json; odata.metadata="+level {
				t.Errorf("%s %s: %s\n%s\nwant\n%s", level, target, a.header.Get("Content-Type"), a.body, want)
			}
		}
	}
	// What was read may be written back as it is.
	full := b.data("GET", accounts+one, "", "Accept: application/json; odata.metadata=full")
	b.data("PATCH", accounts+one, full.body, "If-Match: "+full.header.Get("ETag")).want(t, 204, "")
	b.data("PATCH", accounts+one, strings.ReplaceAll(full.body, b.DataverseURL, "http://localhost:7080")).want(t, 400, "0x80048d19")
}

func TestNextLinkAtEveryLevel(t *testing.T) {
	b := newBench(t, Options{PageSize: 1})
	b.fill("a b")
	for _, level := range []string{"full", "minimal", "none"} {
		if p := b.page(accounts, "Accept: application/json;odata.metadata="+level); !strings.HasPrefix(p.NextLink, b.DataverseURL+accounts+"?$skiptoken=") {
			t.Errorf("%s: %q", level, p.NextLink)
		}
	}
	for _, target := range []string{"/api/data/v9.2/", "/api/data/v9.2/WhoAmI", accounts + "/$count"} {
		if a := b.data("GET", target, "", "Accept: application/json;odata.metadata=none"); a.status != 200 || strings.Contains(a.body, "@odata.context") {
			t.Errorf("%s: %s", target, a.body)
		}
	}
}

func TestExpand(t *testing.T) {
	b := newPair(t)
	for _, key := range []string{one, two} {
		b.data("POST", accounts+one+"/Account_Contacts/$ref", `{"@odata.id":"contacts`+key+`"}`).want(t, 204, "")
	}
	b.data("PUT", accounts+one+"/primarycontactid/$ref", `{"@odata.id":"contacts`+two+`"}`).want(t, 204, "")
	for _, tt := range []struct{ expand, prefer, want string }{
		{"primarycontactid/$ref", "", `"primarycontactid":{"@odata.id":"` + b.DataverseURL + contacts + two + `"}}`},
		{"primarycontactid($select=name;$expand=createdby($select=fullname))", "", `"primarycontactid":{"@odata.etag":"W/\"73921467\"","contactid":"` + two[1:37] + `","name":"y"}}`},
		{"createdby($select=fullname,lastname),primarycontactid/$ref", "", `"createdby":null,"primarycontactid":{"@odata.id":"` + b.DataverseURL + contacts + two + `"}}`},
		{"Account_Contacts/$ref", "", `"Account_Contacts":[{"@odata.id":"` + b.DataverseURL + contacts + one + `"},{"@odata.id":"` + b.DataverseURL + contacts + two + `"}]}`},
		{
			"Account_Contacts($select=name)", "odata.maxpagesize=1",
			`"Account_Contacts":[{"@odata.etag":"W/\"73921466\"","contactid":"` + one[1:37] + `","name":"x"}],"Account_Contacts@odata.nextLink":"` +
				b.DataverseURL + accounts + one + `/Account_Contacts?$select=name"}`,
		},
	} {
		if a := b.data("GET", accounts+one+"?$select=name&$expand="+tt.expand, "", "Prefer: "+tt.prefer); a.status != 200 || !strings.HasSuffix(a.body, `"name":"A",`+tt.want) {
			t.Errorf("%s: %s\nwant %s", tt.expand, a.body, tt.want)
		}
	}
}
