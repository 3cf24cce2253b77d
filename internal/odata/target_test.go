package odata

import "testing"

var targetTable = []struct {
	in, want string // want "" means: as in
}{
	{in: "/api/data/v9.0/accounts(2)/opportunity_customer_accounts/$ref?$id=<L>/api/data/v9.0/opportunities(1)", want: "/api/data/v9.0/accounts(2)/opportunity_customer_accounts/$ref?$id=<R>/api/data/v9.0/opportunities(1)"},
	{in: "/x/$ref?$id=http%3A%2F%2Flocalhost%3A7080%2Fapi", want: "/x/$ref?$id=https%3A%2F%2Fcontoso.crm.dynamics.com%2Fapi"},
	{in: "/x/$ref?$id=http%3a%2f%2flocalhost%3a7080%2fapi", want: "/x/$ref?$id=https%3a%2f%2fcontoso.crm.dynamics.com%2fapi"},
	{in: "/x/$ref?$id=http:%2F%2Flocalhost:7080%2Fapi", want: "/x/$ref?$id=https:%2F%2Fcontoso.crm.dynamics.com%2Fapi"},
	{in: "/x/$ref?%24id=http://[::1]:7080/api", want: "/x/$ref?%24id=<R>/api"},
	{in: "/x/$ref?$id=http%3A%2F%2F%5B%3A%3A1%5D%3A7080", want: "/x/$ref?$id=https%3A%2F%2Fcontoso.crm.dynamics.com"},
	{in: "/x?a=b;c&$id=<L4>/api&%&d=%", want: "/x?a=b;c&$id=<R>/api&%&d=%"},
	{in: "//x;y?$expand=a($select=b;$top=1)&$id=HTTP://LocalHost:7080/a b", want: "//x;y?$expand=a($select=b;$top=1)&$id=<R>/a b"},
	{in: "/f(Target=@tid)?@tid={'@odata.id':'<L>/api/data/v9.2/accounts(1)'}", want: "/f(Target=@tid)?@tid={'@odata.id':'<R>/api/data/v9.2/accounts(1)'}"},
	{in: `/f(Target=@tid)?%40tid=%7B%22%40odata.id%22%3A+%22http%3A%2F%2Flocalhost%3A7080%2Fx%22%7D&@b={"a":1,"@odata.id": "<L>"}`, want: `/f(Target=@tid)?%40tid=%7B%22%40odata.id%22%3A+%22https%3A%2F%2Fcontoso.crm.dynamics.com%2Fx%22%7D&@b={"a":1,"@odata.id": "<R>"}`},
	{in: `/f?@p=[{'@odata.id':'<L>/1','n':'it''s'},{"x@odata.id":"<L>/2"}]`, want: `/f?@p=[{'@odata.id':'<R>/1','n':'it''s'},{"x@odata.id":"<R>/2"}]`},
	{in: `/f?@p={'a':'\'','@odata.id':'<L>/x'}`, want: `/f?@p={'a':'\'','@odata.id':'<R>/x'}`},
	{in: "/f?@p=<L>/x", want: "/f?@p=<R>/x"},

	{in: "/api/data/v9.2/accounts"},
	{in: "/<L>/x"},
	{in: "/x?$filter=url eq '<L>/x'&id=<L>/x&$ID=<L>/x&%2524id=<L>/x"},
	{in: "/x?$id=accounts(1)&$id=&$id&&"},
	{in: "/x?$id='<L>/x'"},
	{in: "/x?$id=http://localhost:70800/x&$id=http://localhost/x&$id=http://localhost:7080.evil.com&$id=http://localhost:7080@evil.com"},
	{in: "/x?$id=http%253A%252F%252Flocalhost%253A7080%252Fx"},
	{in: "/x?$id=http%3A%2F%2Flocalhost%3A708"},
	{in: "/x?$id=http%3A%2F%2Flocalhost%3A7080%2"},
	{in: "/x?@p='<L>/x'&@q={'a':'<L>/x'}&@r=\"@odata.id\":'"},
	{in: `/x?@p={'a':'\'@odata.id\':\'<L>/x\'','b':'''@odata.id'':''<L>/x''','c':["@odata.id","<L>/x"],'@odata.id':['<L>/x']}`},
	{in: `/x?@p={"@odata.id":"<A>/x","%4":"<L>/x","@odata.id%":"<L>/x","odata.id":"<L>/x"}`},
	{in: `/x?@p={'x':'@odata.id':'<L>/x'}`},
	{in: "?"},
	{in: ""},
}

func TestTarget(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	for _, tt := range targetTable {
		want := tt.want
		if want == "" {
			want = tt.in
		}
		if got := view.Target(spell(tt.in)); got != spell(want) {
			t.Errorf("\n  in %s\n got %s\nwant %s", spell(tt.in), got, spell(want))
		}
	}
	if n := testing.AllocsPerRun(10, func() { view.Target("/api/data/v9.2/accounts?$select=name&@p=1") }); n > 0 {
		t.Errorf("a target without links costs %v allocations", n)
	}
}

func TestTargetBrackets(t *testing.T) {
	m, err := New(Origins{Remote: []string{"http://[::1]:9"}, Local: []string{"http://l"}})
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"?$id=http://l/x":         "?$id=http://[::1]:9/x",
		"?$id=http:%2f%2fl/x":     "?$id=http:%2f%2f[::1]:9/x",
		"?$id=http%3A%2F%2Fl%2Fx": "?$id=http%3A%2F%2F%5B%3A%3A1%5D%3A9%2Fx",
		"?$id=http%3a%2f%2fl%2fx": "?$id=http%3a%2f%2f%5b%3a%3a1%5d%3a9%2fx",
	} {
		if got := m.At("http", "l").Target(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
