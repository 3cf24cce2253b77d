package simulator

import (
	"net/http"
	"strings"
	"testing"
)

func (b *bench) control(call string) answer {
	b.t.Helper()
	words := strings.SplitN(call, " ", 3)
	body := ""
	if len(words) == 3 {
		body = words[2]
	}
	r, err := http.NewRequest(words[0], b.ControlURL+words[1], strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	return exchange(r)
}

func TestControlCalls(t *testing.T) {
	for _, tt := range []struct {
		call   string
		status int // of the control call
		want   int // of a token request, then of WhoAmI
		whoAmI int
	}{
		{`PUT /secrets {"accepted":["new"]}`, 204, 401, 200},
		{`POST /tokens/revoke`, 200, 200, 401},
		{`PUT /application-user {"present":false}`, 204, 200, 403},
		{`PUT /limits {"requests":1,"window":"1h"}`, 204, 200, 200},
		{`POST /faults/entra {"kind":"aadsts","code":"7000222","count":2}`, 204, 401, 200},
		{`POST /faults/dataverse {"kind":"throttle","method":"GET","path":"/api/data/","retry_after":"2s","count":1}`, 204, 200, 429},
		{`POST /faults/dataverse {"kind":"claims_challenge","claims":{"access_token":{"acrs":{"value":"c1"}}}}`, 204, 200, 401},
		{`POST /faults/dataverse {"kind":"status","status":503,"header":{"x-custom":["1"]}}`, 204, 200, 503},
		{`PUT /token-lifetime {"lifetime":"1ns"}`, 204, 200, 200},
		{`DELETE /faults/entra`, 204, 200, 200},
		{`DELETE /stats`, 204, 200, 200},
		{`DELETE /rows`, 204, 200, 200},
		{`DELETE /requests`, 204, 200, 200},
		{`GET /`, 200, 200, 200},
		{`POST /faults/entra {"kind":"flood"}`, 400, 200, 200},
		{`POST /faults/entra {"kind":"reset","delay":"soon"}`, 400, 200, 200},
		{`POST /faults/entra {"kind":"reset","delay":"-1s"}`, 400, 200, 200},
		{`POST /faults/entra {"kind":"reset","times":1}`, 400, 200, 200},
		{`PUT /token-lifetime {}`, 400, 200, 200},
		{`PUT /secrets oops`, 400, 200, 200},
		{`GET /files?set=accounts&id=1&column=f`, 400, 200, 200},
		{`GET /nowhere`, 404, 200, 200},
	} {
		t.Run(tt.call, func(t *testing.T) {
			b := newBench(t, Options{})
			if a := b.control(tt.call); a.status != tt.status {
				t.Fatalf("%d %s, want %d", a.status, a.body, tt.status)
			}
			if a := b.post(v2Path, b.form()); a.status != tt.want {
				t.Errorf("token request: %d, want %d", a.status, tt.want)
			}
			if a := b.data("GET", "/api/data/v9.2/WhoAmI", ""); a.status != tt.whoAmI {
				t.Errorf("WhoAmI: %d, want %d", a.status, tt.whoAmI)
			}
		})
	}
}

func TestControlTellsWhatHappened(t *testing.T) {
	b := newBench(t, Options{})
	b.data("POST", accounts, `{"name":"x"}`)
	for call, want := range map[string]string{
		"GET /stats":      `"rows":{"accounts":1}`,
		"GET /executions": `"by_name":{"accounts/x":1}`,
		"GET /requests":   `"request_uri":"/api/data/v9.2/accounts"`,
	} {
		if a := b.control(call); a.status != 200 || !strings.Contains(a.body, want) || a.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", call, a.status, a.body)
		}
	}
	if a := b.control("GET /"); a.status != 200 || !strings.Contains(a.body, "\nPUT /secrets {\"accepted\":[\"new\",\"old\"]}\n") {
		t.Errorf("the list of calls: %d %s", a.status, a.body)
	}
}
