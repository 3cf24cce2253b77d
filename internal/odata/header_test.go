package odata

import "testing"

func TestHeader(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	for _, tt := range []struct{ name, in, want string }{
		{"Location", "<R>/api/data/v9.2/accounts(1)", "<L>/api/data/v9.2/accounts(1)"},
		{"location", "<A>/api/backgroundoperation/1", "<L>/api/backgroundoperation/1"},
		{"Odata-Entityid", "<R>/api/data/v9.2/x(id=1,partitionid='Device-ABC-1234')", "<L>/api/data/v9.2/x(id=1,partitionid='Device-ABC-1234')"},
		{"Content-Location", "<R>", "<L>"},
		{"Location", "HTTPS://CONTOSO.crm.dynamics.com:443?a", "<L>?a"},
		{"Location", "<R>:443", "<L>"},
		{"Location", "<R>:44", "<R>:44"},
		{"Location", "<R>.evil.com/", "<R>.evil.com/"},
		{"Location", "https://login.microsoftonline.com/?u=<R>/", "https://login.microsoftonline.com/?u=<R>/"},
		{"Location", `<R\>/x`, `<R\>/x`},
		{"Location", "https:", "https:"},
		{"Location", "", ""},
		{"Location", `<R>"/x`, `<R>"/x`},
		{"Link", "<R>/x", "<R>/x"},
		{"Contents", "<R>/x", "<R>/x"},
	} {
		if got := view.Header(tt.name, spell(tt.in)); got != spell(tt.want) {
			t.Errorf("%s: %s = %s, want %s", tt.name, spell(tt.in), got, spell(tt.want))
		}
	}
}
