package odata

import (
	"strings"
	"testing"
)

// The tables write R for the environment's origin, A for its alias and L for
// the local one, and then state what is mapped by writing L where R was.
func spell(s string) string {
	return strings.NewReplacer(
		"<R>", remote,
		"<A>", "https://contoso.api.crm.dynamics.com",
		"<L>", "http://localhost:7080",
		"<L4>", "http://127.0.0.1:7080",
		"<L6>", "http://[::1]:7080",
		`<R\>`, `https:\/\/contoso.crm.dynamics.com`,
		`<L\>`, `http:\/\/localhost:7080`,
	).Replace(s)
}

var answerTable = []struct {
	name     string
	in, want string // want "" means: as in
	message  Message
}{
	{name: "context", in: `{"@odata.context":"<A>/api/data/v9.2/$metadata#accounts"}`, want: `{"@odata.context":"<L>/api/data/v9.2/$metadata#accounts"}`},
	{
		name: "nextLink with its cookie",
		in:   `{"value":[],"@odata.nextLink": "<R>/api/data/v9.2/contacts?$select=fullname&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%22%20/%3E"}`,
		want: `{"value":[],"@odata.nextLink": "<L>/api/data/v9.2/contacts?$select=fullname&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e%22%20/%3E"}`,
	},
	{name: "nested nextLink", in: `{"value":[{"Account_Tasks":[],"Account_Tasks@odata.nextLink":"<R>/a"}]}`, want: `{"value":[{"Account_Tasks":[],"Account_Tasks@odata.nextLink":"<L>/a"}]}`},
	{name: "deltaLink", in: `{"@odata.deltaLink":"<R>/api/data/v9.0/accounts?$deltatoken=919042%2108%2f22%2f2017"}`, want: `{"@odata.deltaLink":"<L>/api/data/v9.0/accounts?$deltatoken=919042%2108%2f22%2f2017"}`},
	{name: "reference", in: `{"primarycontactid":{"@odata.id":"<R>/c(1)"}}`, want: `{"primarycontactid":{"@odata.id":"<L>/c(1)"}}`},
	{
		name: "full metadata",
		in:   `{"@odata.editLink":"<R>/1","@odata.readLink":"<R>/2","x@odata.associationLink":"<R>/3","x@odata.navigationLink":"<R>/4","x@odata.mediaReadLink":"<R>/5","x@odata.mediaEditLink":"<R>/6"}`,
		want: `{"@odata.editLink":"<L>/1","@odata.readLink":"<L>/2","x@odata.associationLink":"<L>/3","x@odata.navigationLink":"<L>/4","x@odata.mediaReadLink":"<L>/5","x@odata.mediaEditLink":"<L>/6"}`,
	},
	{name: "white space", in: "{ \"@odata.id\" \t\r\n:\n\n \"<R>/x\" }", want: "{ \"@odata.id\" \t\r\n:\n\n \"<L>/x\" }"},
	{name: "much white space", in: `{"@odata.id"` + strings.Repeat(" ", 90) + ":" + strings.Repeat("\n", 90) + `"<R>/x"}`, want: `{"@odata.id"` + strings.Repeat(" ", 90) + ":" + strings.Repeat("\n", 90) + `"<L>/x"}`},
	{name: "escaped slashes", in: `{"@odata.id":"<R\>\/x"}`, want: `{"@odata.id":"<L\>\/x"}`},
	{name: "escaped slash after a plain origin", in: `{"@odata.id":"<R>\/x"}`, want: `{"@odata.id":"<L>\/x"}`},
	{name: "case", in: `{"@odata.id":"HTTPS://Contoso.CRM.dynamics.com/X"}`, want: `{"@odata.id":"<L>/X"}`},
	{name: "default port", in: `{"@odata.id":"<R>:443/x"}`, want: `{"@odata.id":"<L>/x"}`},
	{name: "origin alone", in: `{"@odata.id":"<R>"}`, want: `{"@odata.id":"<L>"}`},
	{name: "port alone", in: `{"@odata.id":"<R>:443"}`, want: `{"@odata.id":"<L>"}`},
	{name: "query", in: `{"@odata.id":"<R>?x"}`, want: `{"@odata.id":"<L>?x"}`},
	{name: "fragment", in: `{"@odata.id":"<R>#x"}`, want: `{"@odata.id":"<L>#x"}`},
	{name: "key with an escaped quote", in: `{"a\"@odata.id":"<R>/x"}`, want: `{"a\"@odata.id":"<L>/x"}`},
	{name: "byte order mark", in: "\ufeff" + `{"@odata.id":"<R>/x"}`, want: "\ufeff" + `{"@odata.id":"<L>/x"}`},
	{name: "invalid UTF-8", in: "{\"a\":\"\xff\xc0\",\"@odata.id\":\"<R>/\xfe\"}", want: "{\"a\":\"\xff\xc0\",\"@odata.id\":\"<L>/\xfe\"}"},
	{name: "deep", in: strings.Repeat(`[{"a":`, 60) + `{"@odata.id":"<R>/x"}` + strings.Repeat(`}]`, 60), want: strings.Repeat(`[{"a":`, 60) + `{"@odata.id":"<L>/x"}` + strings.Repeat(`}]`, 60)},
	{name: "back from the deep", in: strings.Repeat(`[`, 300) + strings.Repeat(`]`, 60) + `,{"@odata.id":"<R>/x"}`, want: strings.Repeat(`[`, 300) + strings.Repeat(`]`, 60) + `,{"@odata.id":"<L>/x"}`},
	{name: "cut short", in: `{"@odata.id":"<R>/x","@odata.nextLink":"https://contoso.crm`, want: `{"@odata.id":"<L>/x","@odata.nextLink":"https://contoso.crm`},

	{name: "another host", in: `{"@odata.id":"<R>.evil.com/x"}`},
	{name: "user information", in: `{"@odata.id":"<R>@evil.com/x"}`},
	{name: "user information with a port", in: `{"@odata.id":"<R>:443@evil.com/x"}`},
	{name: "our host as another's user", in: `{"@odata.id":"https://me@contoso.crm.dynamics.com/x"}`},
	{name: "another port", in: `{"@odata.id":"<R>:444/x"}`},
	{name: "longer port", in: `{"@odata.id":"<R>:4433/x"}`},
	{name: "another scheme", in: `{"@odata.id":"http://contoso.crm.dynamics.com/x"}`},
	{name: "host that ends like ours", in: `{"@odata.id":"https://xcontoso.crm.dynamics.com/x"}`},
	{name: "not at the beginning", in: `{"@odata.id":" <R>/x"}`},
	{name: "escape after the host", in: `{"@odata.id":"<R>\u002eevil.com/x","@odata.id":"<R>\"/x"}`},
	{name: "relative", in: `{"@odata.id":"accounts(1)","sample_image_URL":"/Image/download.aspx?Entity=account"}`},
	{name: "help link", in: `{"error":{"@Microsoft.PowerApps.CDS.HelpLink":"http://go.microsoft.com/fwlink/?LinkID=398563"}}`},
	{name: "record data", in: `{"websiteurl":"<R>/x","uri":"<R>/x","location":"<R>/x","value":"<R>/x","nextLink":"<R>/x"}`},
	{name: "in the middle of a text", in: `{"description":"see <R>/x and \"<R>/x\""}`},
	{name: "JSON in a string", in: `{"data":"{\"@odata.nextLink\":\"<R>/x\",\"a\\\"@odata.id\\\":\\\"<R>/x\\\"\"}"}`},
	{name: "text that ends like a key", in: `{"data":"x\",\"@odata.nextLink\":\"<R>/x","b":"@odata.nextLink","c":"<R>/x"}`},
	{name: "list of strings", in: `["@odata.nextLink","<R>/x"]`},
	{name: "longer key", in: `{"@odata.nextLinks":"<R>/x","@odata.nextLink.x":"<R>/x","@odata.nextLink@a.b":"<R>/x","odata.nextLink":"<R>/x","@@odata.idd":"<R>/x"}`},
	{name: "key with an escape", in: `{"@odata\u002enextLink":"<R>/x"}`},
	{name: "list under a link's key", in: `{"@odata.id":["<R>/x"],"@odata.context":{"x":"<R>/x"}}`},
	{name: "bind is a request's", in: `{"a@odata.bind":"<R>/x","some","longer_name@odata.bind":"<R>/x"}`},
	{name: "backslashes before the end", in: `{"a":"\\\\\"","b":"@odata.id\\","c":"<R>/x"}`},
	{name: "escapes", in: `{"a":"\n\"\\\"","b":"\u0041\\","@odata.id":"<R>/x"}`, want: `{"a":"\n\"\\\"","b":"\u0041\\","@odata.id":"<L>/x"}`},
	{name: "escaped quote in what began like a link", in: `{"@odata.id":"https:\"","@odata.id":"<R>/x"}`, want: `{"@odata.id":"https:\"","@odata.id":"<L>/x"}`},
	{name: "no JSON at all", in: `<html>"@odata.id" <a href="<R>/x">`},

	{name: "status monitor", in: `{"backgroundOperationId":"1","location":"<R>/api/backgroundoperation/1","a":{"location":"<R>/x"}}`, want: `{"backgroundOperationId":"1","location":"<L>/api/backgroundoperation/1","a":{"location":"<R>/x"}}`, message: Message{ContentType: minimalType, Status: 202}},
	{
		name:    "endpoints as objects",
		in:      `{"@odata.context":"<A>/c","Detail":{"Endpoints":[{"key":"WebApplication","value":"<R>/"},{"key":"x","value":{"value":"<R>/"}}],"value":"<R>/"},"value":"<R>/"}`,
		want:    `{"@odata.context":"<L>/c","Detail":{"Endpoints":[{"key":"WebApplication","value":"<L>/"},{"key":"x","value":{"value":"<R>/"}}],"value":"<R>/"},"value":"<R>/"}`,
		message: Message{ContentType: minimalType, Target: "/api/data/v9.2/RetrieveCurrentOrganization(AccessType=@p)?@p=Microsoft.Dynamics.CRM.EndpointAccessType'Default'"},
	},
	{
		name:    "endpoints as two lists",
		in:      `{"Detail":{"Endpoints":{"Count":1,"Keys":["WebApplication"],"Values":["<R>/","<A>/XRMServices/2011/Organization.svc"]}}}`,
		want:    `{"Detail":{"Endpoints":{"Count":1,"Keys":["WebApplication"],"Values":["<L>/","<L>/XRMServices/2011/Organization.svc"]}}}`,
		message: Message{ContentType: minimalType, Target: "/api/data/v9.2/RetrieveCurrentOrganization(AccessType='Default')"},
	},
	{
		name:    "endpoints told by the context",
		in:      `{"@odata.context":"<A>/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse","Detail":{"Endpoints":[{"value":"<R>/"}]}}`,
		want:    `{"@odata.context":"<L>/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse","Detail":{"Endpoints":[{"value":"<L>/"}]}}`,
		message: Message{ContentType: plainType},
	},
	{
		name:    "context of a part of the answer",
		in:      `{"a":{"@odata.context":"#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse"},"Detail":{"Endpoints":[{"value":"<R>/"}]}}`,
		message: Message{ContentType: plainType},
	},
	{
		name:    "deeper than what is followed",
		in:      strings.Repeat(`[1,`, 300) + `{"a":1,"@odata.id":"<R>/x"}` + strings.Repeat(`,1]`, 60) + `,{"a":1,"@odata.id":"<R>/x"}`,
		want:    strings.Repeat(`[1,`, 300) + `{"a":1,"@odata.id":"<R>/x"}` + strings.Repeat(`,1]`, 60) + `,{"a":1,"@odata.id":"<L>/x"}`,
		message: Message{ContentType: plainType},
	},
	{name: "endpoints of another answer", in: `{"Detail":{"Endpoints":[{"key":"WebApplication","value":"<R>/"}]}}`, message: Message{ContentType: plainType, Target: "/api/data/v9.2/x?y=RetrieveCurrentOrganization("}},

	{
		name:    "verbose",
		in:      `{"d":{"results":[{"__metadata":{"type":"a","uri":"<R>/xrmservices/2011/OrganizationData.svc/AccountSet(guid'1')","x":{"uri":"<R>/x"}},"a":{"__deferred":{"uri":"<R>/x"}},"uri":"<R>/x"}],"__next":"<R>/XRMServices/2011/OrganizationData.svc/AccountSet?$filter=Id ne null"}}`,
		want:    `{"d":{"results":[{"__metadata":{"type":"a","uri":"<L>/xrmservices/2011/OrganizationData.svc/AccountSet(guid'1')","x":{"uri":"<R>/x"}},"a":{"__deferred":{"uri":"<L>/x"}},"uri":"<R>/x"}],"__next":"<L>/XRMServices/2011/OrganizationData.svc/AccountSet?$filter=Id ne null"}}`,
		message: Message{ContentType: plainType},
	},
	{name: "verbose media", in: `{"__metadata":{"media_src":"<R>/1","edit_media":"<R>/2"},"media_src":"<R>/3"}`, want: `{"__metadata":{"media_src":"<L>/1","edit_media":"<L>/2"},"media_src":"<R>/3"}`, message: Message{ContentType: "application/json;odata=verbose"}},
	{name: "verbose text in v4", in: `{"__next":"<R>/x"}`, message: Message{ContentType: minimalType}},
	{name: "XML", in: `<a "@odata.id":"<R>/x">`, message: Message{ContentType: "application/xml"}},
}

func TestAnswerJSON(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	for _, tt := range answerTable {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.in
			}
			messages := []Message{tt.message}
			if tt.message == (Message{}) { // both finders must agree
				messages = []Message{{ContentType: minimalType}, {ContentType: plainType}}
			}
			for _, m := range messages {
				if got := run(t, (*View).Response, view, m, spell(tt.in)); got != spell(want) {
					t.Errorf("%s:\n  in %s\n got %s\nwant %s", m.ContentType, spell(tt.in), got, spell(want))
				}
			}
		})
	}
}

var requestTable = []struct {
	name     string
	in, want string // want "" means: as in
	target   string
}{
	{name: "bind", in: `{"primarycontactid@odata.bind":"<L>/api/data/v9.2/contacts(1)","name":"<L>/x"}`, want: `{"primarycontactid@odata.bind":"<R>/api/data/v9.2/contacts(1)","name":"<L>/x"}`},
	{name: "bind to a list", in: `{"members@odata.bind" : [ "<L>/1",["<L>/x"],"/contacts(2)" , "<L4>/3", {"a":"<L>/x"},"<L6>/4"],"x":["<L>/x"]}`, want: `{"members@odata.bind" : [ "<R>/1",["<L>/x"],"/contacts(2)" , "<R>/3", {"a":"<L>/x"},"<R>/4"],"x":["<L>/x"]}`},
	{name: "id", in: `{"@odata.id":"<L6>/api/data/v9.0/opportunities(1)"}`, want: `{"@odata.id":"<R>/api/data/v9.0/opportunities(1)"}`},
	{name: "escaped slashes", in: `{"@odata.id":"<L\>\/x"}`, want: `{"@odata.id":"<R\>\/x"}`},
	{name: "what an answer gave", in: `{"@odata.context":"<L>/c","@odata.editLink":"<L>/e"}`, want: `{"@odata.context":"<R>/c","@odata.editLink":"<R>/e"}`},
	{name: "the environment's own", in: `{"@odata.id":"<A>/x","a@odata.bind":"<R>/y"}`},
	{name: "references", in: `{"@odata.id":"$2","originatingleadid@odata.bind":"$1","a@odata.bind":"accounts(1)"}`},
	{name: "endpoints are an answer's", in: `{"@odata.context":"x#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse","Detail":{"Endpoints":[{"value":"<L>/"}]}}`},
	{name: "another port", in: `{"@odata.id":"http://localhost:7081/x","@odata.id":"http://localhost/x"}`},
	{name: "v2", in: `{"Name":"a","__metadata":{"uri":"<L>/x"},"uri":"<L>/x"}`, want: `{"Name":"a","__metadata":{"uri":"<R>/x"},"uri":"<L>/x"}`},
	{name: "v2 reference", in: `{"uri":"<L>/x","a":{"uri":"<L>/x"}}`, want: `{"uri":"<R>/x","a":{"uri":"<L>/x"}}`, target: "/XRMServices/2011/OrganizationData.svc/AccountSet(guid'1')/$links/contact_customer_accounts"},
}

func TestRequestJSON(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	for _, tt := range requestTable {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.in
			}
			m := Message{ContentType: "application/json", Target: tt.target}
			if got := run(t, (*View).Request, view, m, spell(tt.in)); got != spell(want) {
				t.Errorf("\n  in %s\n got %s\nwant %s", spell(tt.in), got, spell(want))
			}
		})
	}
}
