package simulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const (
	service    = "/XRMServices/2011/OrganizationData.svc"
	accountSet = service + "/AccountSet"
	v2One      = "(guid'00000000-0000-0000-0000-000000000001')"
)

func TestDataServiceCreateUpdateDelete(t *testing.T) {
	b := newPair(t)
	created := b.data("POST", accountSet, `{"AccountId":"A0000000-0000-0000-0000-00000000000A","Name":"Contoso","OwnershipCode":{"Value":2},"PrimaryContactId":{"Id":"`+one[1:37]+`","LogicalName":"contact"},"Parent":{"__deferred":{"uri":"x"}}}`)
	url := b.DataverseURL + "/xrmservices/2011/OrganizationData.svc/AccountSet(guid'a0000000-0000-0000-0000-00000000000a')"
	want := `{"d":{"__metadata":{"uri":"` + url + `","type":"Microsoft.Crm.Sdk.Data.Services.Account"},"AccountId":"a0000000-0000-0000-0000-00000000000a","Name":"Contoso","Ownershipcode":2,` +
		`"Primarycontactid":{"__metadata":{"type":"Microsoft.Crm.Sdk.Data.Services.EntityReference"},"Id":"` + one[1:37] + `","LogicalName":"contact"},` +
		`"Account_Annotation":{"__deferred":{"uri":"` + url + `/Account_Annotation"}}}}`
	if created.status != 201 || created.body != want || created.header.Get("Location") != url || created.header.Get("Content-Type") != "application/json;charset=utf-8" {
		t.Fatalf("%d %s\nwant %s\n%v", created.status, created.body, want, created.header)
	}
	at := strings.TrimPrefix(url, b.DataverseURL)
	b.data("POST", at, `{"Name":"Contoso 2","__metadata":{"uri":"`+url+`"}}`, "X-HTTP-Method: MERGE").want(t, 204, "")
	b.data("POST", at, `{"Name":"x","__metadata":{"uri":"http://localhost:7080/x"}}`, "X-HTTP-Method: MERGE").want(t, 400, "0x80048d19")
	if a := b.data("GET", accounts+"(a0000000-0000-0000-0000-00000000000a)", ""); a.members(t)["name"] != "Contoso 2" || a.members(t)["_primarycontactid_value"] != one[1:37] {
		t.Errorf("%s", a.body)
	}
	b.data("POST", at, "", "X-HTTP-Method: DELETE").want(t, 204, "")
	if a := b.data("GET", at, ""); a.status != 404 || !strings.Contains(a.body, `"message":{"lang":"en-US","value":"Entity 'account' With Id = `) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := b.Executions().ByName; got["accounts/Contoso"] != 1 || got["accounts/Contoso 2"] != 1 {
		t.Errorf("%v", got)
	}
}

func TestDataServicePages(t *testing.T) {
	b := newBench(t, Options{})
	for i := range 120 {
		b.data("POST", accounts, fmt.Sprintf(`{"name":"n%03d","kind":"it's %d"}`, i, i%2)).want(t, 204, "")
	}
	type answered struct {
		D struct {
			Results []map[string]any `json:"results"`
			Next    string           `json:"__next"`
		} `json:"d"`
	}
	target, sizes := accountSet+"?$select=Name&$filter=PrimaryContactId/Id%20eq%20null%20and%20Name%20ne%20'n%20x'", ""
	for target != "" {
		a := b.data("GET", target, "")
		var page answered
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		sizes += fmt.Sprint(len(page.D.Results), page.D.Results[0]["Name"], " ")
		next := page.D.Next
		if target = ""; next != "" {
			if !strings.HasPrefix(next, b.DataverseURL+accountSet+"?$select=Name&$filter=PrimaryContactId/Id eq null and Name ne 'n x'&$skiptoken=") || !strings.Contains(next, ",'accountid','%7B") {
				t.Fatalf("%s", next)
			}
			target = strings.ReplaceAll(strings.TrimPrefix(next, b.DataverseURL), " ", "%20")
		}
	}
	if want := "50n000 50n050 20n100 "; sizes != want {
		t.Errorf("pages %s, want %s", sizes, want)
	}
	if a := b.data("GET", accountSet+"?$skiptoken=1,'x'", ""); a.status != 400 {
		t.Errorf("unknown token: %d", a.status)
	}
	if a := b.data("GET", accountSet+"?$top=2&$filter=Kind%20eq%20'it''s%201'", ""); strings.Count(a.body, `"Name"`) != 2 || strings.Contains(a.body, "__next") {
		t.Errorf("%s", a.body)
	}
}

func TestDataServiceLinks(t *testing.T) {
	b := newPair(t)
	const links = accountSet + v2One + "/$links/contact_customer_accounts"
	uri := func(origin string) string { return `{"uri":"` + origin + service + "/ContactSet" + v2One + `"}` }
	b.data("POST", links, uri(b.DataverseURL)).want(t, 204, "")
	if p := b.page(accounts + one + "/contact_customer_accounts"); p.names() != "x" {
		t.Errorf("%s", p.names())
	}
	if a := b.data("GET", accountSet+v2One+"/contact_customer_accounts", ""); !strings.Contains(a.body, `{"d":{"results":[{"__metadata":{"uri":"`+b.DataverseURL+`/xrmservices/2011/OrganizationData.svc/ContactSet`) {
		t.Errorf("%s", a.body)
	}
	if a := b.data("GET", accountSet+v2One, ""); !strings.Contains(a.body, `"contact_customer_accounts":{"__deferred":{"uri":"`+b.DataverseURL+"/xrmservices/2011/OrganizationData.svc/AccountSet"+v2One+`/contact_customer_accounts"}}`) {
		t.Errorf("%s", a.body)
	}
	b.data("DELETE", links+v2One, "").want(t, 204, "")
	for _, body := range []string{uri("http://localhost:7080"), uri(""), uri(b.DataverseURL + b.DataverseURL), `{"uri":"` + b.DataverseURL + `/api/data/v9.2/contacts` + one + `"}`, `{}`, `oops`} {
		if a := b.data("POST", links, body); a.status != 400 {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	for target, status := range map[string]int{service: 404, service + "/accounts": 404, accountSet + "(1)": 400, accountSet + v2One + "/a/b": 400, "/xrmservices/2011/organizationdata.svc/AccountSet": 200} {
		if a := b.data("GET", target, ""); a.status != status {
			t.Errorf("%s: %d", target, a.status)
		}
	}
	if a := b.data("POST", accountSet, "", "X-HTTP-Method: MERGE"); a.status != 405 {
		t.Errorf("MERGE of a set: %d", a.status)
	}
}
