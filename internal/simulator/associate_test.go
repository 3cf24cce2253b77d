package simulator

import (
	"net/url"
	"strings"
	"testing"
)

const (
	contacts = "/api/data/v9.2/contacts"
	one      = "(00000000-0000-0000-0000-000000000001)"
	two      = "(00000000-0000-0000-0000-000000000002)"
	nobody   = "(00000000-0000-0000-0000-00000000000f)"
)

// newPair is a bench with account one and contacts one and two.
func newPair(t *testing.T) *bench {
	b := newBench(t, Options{})
	b.data("PATCH", accounts+one, `{"name":"A"}`).want(t, 204, "")
	b.data("PATCH", contacts+one, `{"name":"x"}`).want(t, 204, "")
	b.data("PATCH", contacts+two, `{"name":"y"}`).want(t, 204, "")
	return b
}

func TestAssociate(t *testing.T) {
	const nav = accounts + one + "/contact_customer_accounts"
	b := newPair(t)
	b.data("POST", nav+"/$ref", `{"@odata.id":"`+b.DataverseURL+contacts+two+`"}`).want(t, 204, "")
	b.data("POST", nav+"/$ref", `{"@odata.id":"contacts`+one+`","@odata.context":"x"}`).want(t, 204, "")
	if p := b.page(nav + "?$select=name&$orderby=name%20desc"); p.names() != "y x" {
		t.Errorf("associated: %s", p.names())
	}
	if a := b.data("GET", nav, ""); !strings.HasPrefix(a.body, `{"@odata.context":"`+b.DataverseURL+`/api/data/v9.2/$metadata#contacts","value":[`) {
		t.Errorf("%s", a.body)
	}
	id := func(key string) string { return `{"@odata.id":"` + b.DataverseURL + contacts + key + `"}` }
	want := `{"@odata.context":"` + b.DataverseURL + `/api/data/v9.2/$metadata#Collection($ref)","value":[` + id(two) + "," + id(one) + `]}`
	if a := b.data("GET", nav+"/$ref", ""); a.body != want {
		t.Errorf("%s\nwant %s", a.body, want)
	}
	for _, target := range []string{
		nav + "/$ref?$id=" + b.DataverseURL + contacts + two,
		nav + one + "/$ref",
	} {
		b.data("DELETE", target, "").want(t, 204, "")
		b.data("DELETE", target, "").want(t, 404, "0x80040217")
	}
	if p := b.page(nav); p.names() != "" || p.Value == nil {
		t.Errorf("left: %v", p.Value)
	}
	b.data("POST", nav+"/$ref", `{"@odata.id":"contacts`+one+`"}`).want(t, 204, "")
	b.data("DELETE", nav+"/$ref?%24id="+url.QueryEscape(b.DataverseURL+contacts+one), "").want(t, 204, "")
	b.data("POST", nav+"/$ref", `{"@odata.id":"contacts`+one+`"}`).want(t, 204, "")
	b.data("DELETE", contacts+one, "").want(t, 204, "")
	if p := b.page(nav); p.names() != "" {
		t.Errorf("a deleted record is associated: %s", p.names())
	}
	if got := b.Stats().Executed; got != 3+7+1 {
		t.Errorf("executed %d", got)
	}
}

func TestSingleValuedReference(t *testing.T) {
	const nav = accounts + one + "/primarycontactid"
	b := newPair(t)
	b.data("GET", nav+"/$ref", "").want(t, 204, "")
	for _, reference := range []string{"contacts" + one, b.DataverseURL + contacts + two, "/contacts" + one, contacts + two} {
		b.data("PUT", nav+"/$ref", `{"@odata.id":"`+reference+`"}`).want(t, 204, "")
	}
	if a := b.data("GET", accounts+one, ""); !strings.Contains(a.body, `"_primarycontactid_value":"`+two[1:37]+`"`) {
		t.Errorf("%s", a.body)
	}
	if a := b.data("GET", nav+"?$select=name", ""); a.members(t)["name"] != "y" || a.members(t)["@odata.context"] != b.DataverseURL+"/api/data/v9.2/$metadata#contacts(name)/$entity" {
		t.Errorf("%s", a.body)
	}
	want := `{"@odata.context":"` + b.DataverseURL + `/api/data/v9.2/$metadata#$ref","@odata.id":"` + b.DataverseURL + contacts + two + `"}`
	if a := b.data("GET", nav+"/$ref", ""); a.body != want {
		t.Errorf("%s\nwant %s", a.body, want)
	}
	b.data("DELETE", nav+"/$ref?$id=contacts"+one, "").want(t, 404, "0x80040217")
	b.data("DELETE", nav+"/$ref?$id=contacts"+two, "").want(t, 204, "")
	b.data("PATCH", accounts+one, `{"primarycontactid@odata.bind":"contacts`+one+`","friends@odata.bind":["contacts`+one+`","contacts`+two+`"]}`).want(t, 204, "")
	if p := b.page(accounts + one + "/friends"); p.names() != "x y" {
		t.Errorf("bound: %s", p.names())
	}
	b.data("DELETE", nav+"/$ref", "").want(t, 204, "")
	b.data("GET", nav, "").want(t, 204, "")
}

func TestReferencesThatAreRefused(t *testing.T) {
	const nav = accounts + one + "/contact_customer_accounts"
	b := newPair(t)
	b.data("POST", nav+"/$ref", `{"@odata.id":"contacts`+one+`"}`).want(t, 204, "")
	b.ResetStats()
	bodies := map[string]int{
		`{"@odata.id":"http://localhost:7080` + contacts + one + `"}`:                                    400,
		`{"@odata.id":"` + b.DataverseURL + `.evil.com` + contacts + one + `"}`:                          400,
		`{"@odata.id":"` + b.DataverseURL + "/" + b.DataverseURL + contacts + one + `"}`:                 400,
		`{"@odata.id":"` + b.DataverseURL + b.DataverseURL + contacts + one + `"}`:                       400,
		`{"@odata.id":"/api/data/v9.2/` + b.DataverseURL + contacts + one + `"}`:                         400,
		`{"@odata.id":"` + b.DataverseURL + `/contacts` + one + `"}`:                                     400,
		`{"@odata.id":"` + strings.Replace(b.DataverseURL, "http:", "https:", 1) + contacts + one + `"}`: 400,
		`{"@odata.id":"contacts"}`:                 400,
		`{"@odata.id":"contacts` + one + `/name"}`: 400,
		`{"@odata.id":"$1"}`:                       400,
		`{"@odata.id":7}`:                          400,
		`{}`:                                       400,
		`oops`:                                     400,
		`{"@odata.id":"contacts` + nobody + `"}`:   404,
	}
	for body, status := range bodies {
		for method, target := range map[string]string{"POST": nav + "/$ref", "PUT": accounts + one + "/primarycontactid/$ref"} {
			if a := b.data(method, target, body); a.status != status || a.errorCode() == "" {
				t.Errorf("%s %s: %d %s", method, body, a.status, a.body)
			}
		}
	}
	for _, target := range []string{nav + "/$ref?$id=http://localhost:7080" + contacts + one, nav + "/$ref", nav + "/$ref?$id=http:%2F%2Flocalhost%2Fx"} {
		if a := b.data("DELETE", target, ""); a.status != 400 || a.errorCode() == "" {
			t.Errorf("DELETE %s: %d %s", target, a.status, a.body)
		}
	}
	b.data("POST", accounts+nobody+"/friends/$ref", `{"@odata.id":"contacts`+one+`"}`).want(t, 404, "0x80040217")
	b.data("PUT", nav+one+"/$ref", "").want(t, 405, "0x80060888")
	b.data("DELETE", nav+one, "").want(t, 404, "0x80060888")
	b.data("PATCH", accounts+one, `{"@odata.editLink":"http://localhost:7080/x"}`).want(t, 400, "0x80048d19")
	b.data("PATCH", accounts+one, `{"websiteurl":"http://localhost:7080/x"}`).want(t, 204, "")
	if got := b.Stats().Executed; got != 1 {
		t.Errorf("executed %d", got)
	}
}

func TestMisdirectedRequests(t *testing.T) {
	b := newBench(t, Options{})
	host := strings.TrimPrefix(b.DataverseURL, "http://")
	declared := newBench(t, Options{Origin: "https://contoso.crm.dynamics.com", Aliases: []string{"https://contoso.api.crm.dynamics.com"}})
	declared.token = declared.IssueToken("https://contoso.crm.dynamics.com")
	for _, tt := range []struct {
		to     *bench
		target string
		host   string
		want   string
	}{
		{b, "/api/data/v9.2/accounts", host, "200"},
		{b, b.DataverseURL + "/api/data/v9.2/accounts", host, "200"},
		{b, "/api/data/v9.2/" + b.DataverseURL + "/api/data/v9.2/accounts", host, "400"},
		{b, "/" + b.DataverseURL + "/api/data/v9.2/accounts", host, "400"},
		{b, "/http%3A/" + host + "/api/data/v9.2/accounts", host, "400"},
		{b, "/api/data/v9.2/accounts(name='http://x')", host, "404"},
		{declared, "/api/data/v9.2/accounts", strings.TrimPrefix(declared.DataverseURL, "http://"), "200"},
		{declared, "/api/data/v9.2/accounts", "localhost:7080", "400"},
		{declared, "/api/data/v9.2/accounts", "contoso.crm.dynamics.com.evil.com", "400"},
		{declared, "http://localhost:7080/api/data/v9.2/accounts", "localhost:7080", "400"},
	} {
		head := rawExchange(t, tt.to.DataverseURL, "GET "+tt.target+" HTTP/1.1\r\nHost: "+tt.host+"\r\nAuthorization: Bearer "+tt.to.token+"\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 "+tt.want+" ") || !strings.Contains(head, "Content-Type: application/json") {
			t.Errorf("%s of %s: %s", tt.target, tt.host, head)
		}
	}
}
