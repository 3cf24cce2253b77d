package simulator

import (
	"net/url"
	"strings"
	"testing"
)

const export = "/api/data/v9.2/sample_ExportData"

func TestActionsAndFunctions(t *testing.T) {
	b := newBench(t, Options{})
	own := b.DataverseURL + "/api/data/v9.2/accounts" + one
	other := "http://localhost:7080/api/data/v9.2/accounts" + one
	for _, tt := range []struct {
		method, target, body string
		status               int
		want                 string
	}{
		{"POST", export, `{"FetchXml":"<fetch/>"}`, 200, `"FetchXml":"<fetch/>"`},
		{"POST", export, "", 200, `sample_ExportDataResponse"}`},
		{"POST", export, `{"Target":{"@odata.id":"` + own + `"}}`, 200, own},
		{"POST", export, `{"Target":[{"a":{"x@odata.bind":"` + other + `"}}]}`, 400, "is not of this environment"},
		{"POST", export, `{"Note":"` + other + `"}`, 200, other},
		{"POST", export, `[]`, 400, "0x80048d19"},
		{"GET", export + "(A=1,B='x''y',C=@c)?@c={'@odata.id':'" + own + "'}", "", 200, `"A":1,"B":"x'y","C":{"@odata.id":"` + own + `"}}`},
		{"GET", export + "(C=@c)?@c=" + url.QueryEscape(`{"@odata.id":"`+own+`"}`), "", 200, own},
		{"GET", export + "(C=@c)?@c={'@odata.id':'" + other + "'}", "", 400, "is not of this environment"},
		{"GET", export + "(C=@c)", "", 400, "0x80060888"},
		{"PUT", export, "{}", 405, "0x80060888"},
		{"POST", "/api/data/v9.2/sample_export", "{}", 404, "0x80060888"},
	} {
		if a := b.data(tt.method, tt.target, tt.body); a.status != tt.status || !strings.Contains(a.body, tt.want) {
			t.Errorf("%s %s %s: %d %s", tt.method, tt.target, tt.body, a.status, a.body)
		}
	}
	if got := b.Stats().Executed; got != 4 {
		t.Errorf("executed %d", got)
	}
}

func TestBackgroundOperations(t *testing.T) {
	b := newBench(t, Options{})
	a := b.data("POST", export, `{"AnnotationId":"7","name":"n"}`, `Prefer: respond-async,odata.include-annotations="*"`)
	at, id := a.header.Get("Location"), a.header.Get("x-ms-dyn-backgroundoperationid")
	if a.status != 202 || a.body != "" || !isGUID(id) || at != b.DataverseURL+"/api/backgroundoperation/"+id || a.header.Get("Preference-Applied") != "respond-async" {
		t.Fatalf("%d %s %v", a.status, a.body, a.header)
	}
	monitor := strings.TrimPrefix(at, b.DataverseURL)
	read := b.data("GET", monitor, "")
	if want := `{"backgroundOperationStateCode":3,"backgroundOperationStatusCode":30,"AnnotationId":"7","name":"n"}`; read.body != want || read.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", read.status, read.body)
	}
	b.data("POST", monitor, "{}").want(t, 405, "0x80060888")
	if a := b.data("DELETE", monitor, ""); a.status != 200 || a.body != `{"backgroundOperationStateCode":2,"backgroundOperationStatusCode":22}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	b.data("GET", monitor, "").want(t, 404, "0x80060891")
	if got := b.Executions().ByName["sample_ExportData/n"]; got != 1 {
		t.Errorf("executed %d times", got)
	}
}

func TestBackgroundOperationWithCallback(t *testing.T) {
	b := newBench(t, Options{})
	a := b.data("GET", export, "", `Prefer: respond-async, odata.callback; url="https://webhook.site/a,b"`)
	id := a.header.Get("x-ms-dyn-backgroundoperationid")
	want := `{"backgroundOperationId":"` + id + `","location":"` + b.DataverseURL + `/api/backgroundoperation/` + id + `"}`
	if a.status != 202 || a.body != want || a.header.Get("Preference-Applied") != "callback" {
		t.Errorf("%d %s, want %s", a.status, a.body, want)
	}
	head := rawExchange(t, b.DataverseURL, "POST "+export+" HTTP/1.1\r\nHost: "+strings.TrimPrefix(b.DataverseURL, "http://")+
		"\r\nAuthorization: Bearer "+b.token+"\r\nPrefer: respond-async\r\nContent-Length: 2\r\n\r\n{}")
	for _, want := range []string{"HTTP/1.1 202 Accepted\r\n", "\r\nLocation: " + b.DataverseURL + "/api/backgroundoperation/", "\r\nx-ms-dyn-backgroundoperationid: ", "\r\nContent-Length: 0\r\n"} {
		if !strings.Contains(head, want) {
			t.Errorf("no %q in\n%s", want, head)
		}
	}
}

func TestRetrieveCurrentOrganization(t *testing.T) {
	b := newBench(t, Options{})
	const function, kind = "/api/data/v9.2/RetrieveCurrentOrganization", "Microsoft.Dynamics.CRM.EndpointAccessType"
	objects := `"Endpoints":[{"key":"WebApplication","value":"` + b.DataverseURL + `/"},{"key":"OrganizationService","value":"` + b.DataverseURL +
		`/XRMServices/2011/Organization.svc"},{"key":"OrganizationDataService","value":"` + b.DataverseURL + `/XRMServices/2011/OrganizationData.svc"}]}}`
	lists := `"Endpoints":{"Count":3,"IsReadOnly":false,"Keys":["WebApplication","OrganizationService","OrganizationDataService"],"Values":["` + b.DataverseURL + `/","` +
		b.DataverseURL + `/XRMServices/2011/Organization.svc","` + b.DataverseURL + `/XRMServices/2011/OrganizationData.svc"]}}}`
	for target, want := range map[string]string{
		function + "(AccessType=" + kind + "'Default')":          objects,
		function + "(AccessType=@p1)?@p1=" + kind + "'Default'":  objects,
		function + "(AccessType=@p1)?@p1=" + kind + "'Internet'": lists,
	} {
		a := b.data("GET", target, "")
		if a.status != 200 || !strings.HasSuffix(a.body, want) || !strings.HasPrefix(a.body, `{"@odata.context":"`+b.DataverseURL+`/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse","Detail":{`) {
			t.Errorf("%s: %d %s", target, a.status, a.body)
		}
	}
	b.data("GET", function, "").want(t, 400, "0x80060888")
}
