package simulator

import (
	"strings"
	"testing"
)

const accounts = "/api/data/v9.2/accounts"

func TestCreateReadUpdateDelete(t *testing.T) {
	b := newBench(t, Options{})
	created := b.data("POST", accounts, `{"name":"Contoso <&> Ltd","revenue":12.50,"note@odata.type":"#String"}`)
	created.want(t, 204, "")
	id := created.id(t)
	if want := b.DataverseURL + accounts + "(" + id + ")"; created.header.Get("OData-EntityId") != want {
		t.Errorf("OData-EntityId %q, want %q", created.header.Get("OData-EntityId"), want)
	}
	one := accounts + "(" + id + ")"

	read := b.data("GET", one, "")
	want := `{"@odata.context":"` + b.DataverseURL + `/api/data/v9.2/$metadata#accounts/$entity","@odata.etag":"W/\"73921465\"","accountid":"` + id + `","name":"Contoso <&> Ltd","revenue":12.50}`
	if read.status != 200 || read.body != want || read.header.Get("ETag") != `W/"73921465"` {
		t.Errorf("read %d %s\nwant %s", read.status, read.body, want)
	}

	updated := b.data("PATCH", one, `{"revenue":1}`, "Prefer: odata.include-annotations=*", "Prefer: return=representation")
	if updated.status != 200 || !strings.Contains(updated.body, `"revenue":1}`) || updated.header.Get("Preference-Applied") != "return=representation" {
		t.Errorf("update %d %s", updated.status, updated.body)
	}
	if a := b.data("HEAD", one, ""); a.status != 200 || a.body != "" || a.header.Get("Content-Length") == "" {
		t.Errorf("HEAD %d %q", a.status, a.body)
	}
	if a := b.data("GET", one+"?$select=name,fax", ""); !strings.Contains(a.body, `"accountid":"`+id+`","name":"Contoso <&> Ltd","fax":null}`) || !strings.Contains(a.body, `$metadata#accounts(name,fax)/$entity`) {
		t.Errorf("$select: %s", a.body)
	}
	b.data("DELETE", one, "").want(t, 204, "")
	b.data("DELETE", one, "").want(t, 404, "0x80040217")
	b.data("GET", one, "").want(t, 404, "0x80040217")
}

func TestKeyOfOnesOwn(t *testing.T) {
	b := newBench(t, Options{})
	const id = "A1B2C3D4-0000-1111-2222-333344445555"
	if got := b.data("POST", accounts, `{"accountid":"`+id+`","name":"x"}`).id(t); got != strings.ToLower(id) {
		t.Errorf("id %s", got)
	}
	b.data("POST", accounts, `{"accountid":"`+id+`"}`).want(t, 412, "0x80040237")
	b.data("GET", accounts+"("+id+")", "").want(t, 200, "")
	b.data("GET", accounts+"(accountid="+id+")", "").want(t, 200, "")
}

func TestConditions(t *testing.T) {
	const missing = accounts + "(00000000-0000-0000-0000-000000000001)"
	for _, tt := range []struct {
		name    string
		method  string
		present bool // the record is there
		header  string
		status  int
		code    string
	}{
		{"upsert creates", "PATCH", false, "", 204, ""},
		{"upsert updates", "PATCH", true, "", 204, ""},
		{"update only", "PATCH", false, "If-Match: *", 404, "0x80040217"},
		{"update only, and it is there", "PATCH", true, "If-Match: *", 204, ""},
		{"this version", "PATCH", true, `If-Match: W/"73921465"`, 204, ""},
		{"another version", "PATCH", true, `If-Match: W/"1"`, 412, "0x80060882"},
		{"create only", "PATCH", false, "If-None-Match: *", 204, ""},
		{"create only, and it is there", "PATCH", true, "If-None-Match: *", 412, "0x80060892"},
		{"the word null", "PATCH", true, "If-None-Match: null", 204, ""},
		{"the word null in a read", "GET", true, "If-None-Match: null", 200, ""},
		{"unchanged", "GET", true, `If-None-Match: W/"73921465"`, 304, ""},
		{"changed", "GET", true, `If-None-Match: W/"1"`, 200, ""},
		{"delete another version", "DELETE", true, `If-Match: W/"1"`, 412, "0x80060882"},
		{"delete this version", "DELETE", true, `If-Match: W/"73921465"`, 204, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, Options{})
			if tt.present {
				b.data("POST", accounts, `{"accountid":"00000000-0000-0000-0000-000000000001"}`).want(t, 204, "")
			}
			var headers []string
			if tt.header != "" {
				headers = append(headers, tt.header)
			}
			b.data(tt.method, missing, `{"name":"x"}`, headers...).want(t, tt.status, tt.code)
		})
	}
}

func TestAlternateKeys(t *testing.T) {
	b := newBench(t, Options{})
	b.data("PATCH", accounts+"(name='O''Neil%20%2F%20Sons',number=7)", `{"fax":"1"}`).want(t, 204, "")
	read := b.data("GET", accounts+"(number=7,name='O%27%27Neil / Sons')", "")
	if read.status != 400 { // a raw space never gets past net/http
		t.Errorf("raw space: %d", read.status)
	}
	read = b.data("GET", accounts+"(number=7,name='O''Neil%20/%20Sons')", "")
	if read.status != 200 || !strings.Contains(read.body, `"name":"O'Neil / Sons","number":7,"fax":"1"`) {
		t.Errorf("%d %s", read.status, read.body)
	}
	b.data("GET", accounts+"(name='Nobody')", "").want(t, 404, "0x80060891")
	b.data("DELETE", accounts+"(name='Nobody')", "").want(t, 404, "0x80060891")
}

func TestColumns(t *testing.T) {
	b := newBench(t, Options{})
	one := accounts + "(" + b.data("POST", accounts, `{"name":"x"}`).id(t) + ")"
	b.data("PUT", one+"/name", `{"value":"y"}`).want(t, 204, "")
	if a := b.data("GET", one+"/name", ""); a.status != 200 || !strings.HasSuffix(a.body, `/name","value":"y"}`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	b.data("DELETE", one+"/name", "").want(t, 204, "")
	b.data("GET", one+"/name", "").want(t, 204, "")
	b.data("PUT", one+"/name", `{"v":1}`).want(t, 400, "0x80048d19")
	b.data("PUT", accounts+"(00000000-0000-0000-0000-000000000001)/name", `{"value":1}`).want(t, 404, "0x80040217")
}

func TestWrongRequests(t *testing.T) {
	b := newBench(t, Options{})
	for _, tt := range []struct {
		method, target, body string
		status               int
		code                 string
	}{
		{"GET", "/api/data/v9.2/Nonsense", "", 404, "0x80060888"},
		{"GET", "/api/data/v9.2/account", "", 404, "0x80060888"},
		{"GET", accounts + "(not-a-guid)", "", 400, "0x80060888"},
		{"GET", accounts + "()", "", 400, "0x80060888"},
		{"GET", accounts + "/name/other", "", 400, "0x80060888"},
		{"PUT", accounts, "{}", 405, "0x80060888"},
		{"DELETE", accounts, "", 405, "0x80060888"},
		{"POST", "/api/data/v9.2/WhoAmI", "{}", 405, "0x80060888"},
		{"POST", accounts, "{", 400, "0x80048d19"},
		{"POST", accounts, "[]", 400, "0x80048d19"},
		{"POST", accounts, `{"a":1} {"b":2}`, 400, "0x80048d19"},
		{"POST", accounts, "", 400, "0x80048d19"},
		{"GET", "/elsewhere", "", 404, ""},
		{"OPTIONS", accounts, "", 200, ""},
	} {
		b.data(tt.method, tt.target, tt.body).want(t, tt.status, tt.code)
	}
	if a := b.data("PUT", accounts, ""); a.header.Get("Allow") != "GET,HEAD,OPTIONS,POST" {
		t.Errorf("Allow %q", a.header.Get("Allow"))
	}
}

func TestReferences(t *testing.T) {
	b := newBench(t, Options{})
	id := b.data("POST", "/api/data/v9.2/contacts", `{"lastname":"Doe"}`).id(t)
	for _, tt := range []struct {
		name, value string
		status      int
	}{
		{"relative", `"contacts(` + id + `)"`, 204},
		{"with a slash", `"/contacts(` + id + `)"`, 204},
		{"from the root", `"/api/data/v9.2/contacts(` + id + `)"`, 204},
		{"absolute", `"` + b.DataverseURL + `/api/data/v9.2/contacts(` + id + `)"`, 204},
		{"by alternate key", `"contacts(lastname='Doe')"`, 204},
		{"list", `["contacts(` + id + `)"]`, 204},
		{"of another environment", `"http://localhost:7080/api/data/v9.2/contacts(` + id + `)"`, 400},
		{"list with a foreign one", `["contacts(` + id + `)","https://x.example/api/data/v9.2/contacts(` + id + `)"]`, 400},
		{"not a record", `"contacts"`, 400},
		{"not text", `7`, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := b.data("POST", accounts, `{"primarycontactid@odata.bind":`+tt.value+`}`)
			if a.status != tt.status {
				t.Fatalf("%d %s, want %d", a.status, a.body, tt.status)
			}
			if tt.status == 204 && tt.value[0] == '"' {
				if read := b.data("GET", accounts+"("+a.id(t)+")", ""); !strings.Contains(read.body, `"_primarycontactid_value":"`+id+`"`) {
					t.Errorf("%s", read.body)
				}
			}
		})
	}
}

func TestNamesOfKeys(t *testing.T) {
	for in, want := range map[string]string{
		"accounts": "accountid", "opportunities": "opportunityid", "processes": "processid", "mailboxes": "mailboxid",
		"contoso_sensordatas": "contoso_sensordataid", "quotes": "quoteid", "businesses": "businessid",
	} {
		if got := primaryKey(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestServiceDocuments(t *testing.T) {
	b := newBench(t, Options{})
	b.data("POST", "/api/data/v9.1/tasks", `{"subject":"x"}`)
	for target, want := range map[string]string{
		"/api/data/v9.1/":                      b.DataverseURL + `/api/data/v9.1/$metadata","value":[{"name":"accounts"`,
		"/api/data/v9.1":                       `{"name":"tasks","kind":"EntitySet","url":"tasks"}`,
		"/api/data/v9.1/$metadata?annotations": `<EntitySet Name="tasks"`,
	} {
		if a := b.data("GET", target, ""); a.status != 200 || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s", target, a.status, a.body)
		}
	}
}
