package odata_test

import (
	"fmt"
	"io"
	"os"
	"strings"

	"dvproxy/internal/odata"
)

func newMapper() *odata.Mapper {
	m, err := odata.New(odata.Origins{
		Remote: []string{"https://contoso.crm.dynamics.com", "https://contoso.api.crm.dynamics.com"},
		Local:  []string{"http://localhost:7080", "http://127.0.0.1:7080", "http://[::1]:7080"},
	})
	if err != nil {
		panic(err)
	}
	return m
}

const v4 = "application/json; odata.metadata=minimal"

// The link to the next page leads to the proxy, whichever name the client has for it.
func ExampleView_Response() {
	page := `{"value":[],"@odata.nextLink":"https://contoso.api.crm.dynamics.com/api/data/v9.2/accounts?$skiptoken=%3c"}`
	for _, host := range []string{"localhost:7080", "127.0.0.1:7080"} {
		s := newMapper().At("http", host).Response(odata.Message{ContentType: v4, Status: 200})
		io.Copy(os.Stdout, s.Reader(strings.NewReader(page)))
		fmt.Println()
	}
	// Output:
	// {"value":[],"@odata.nextLink":"http://localhost:7080/api/data/v9.2/accounts?$skiptoken=%3c"}
	// {"value":[],"@odata.nextLink":"http://127.0.0.1:7080/api/data/v9.2/accounts?$skiptoken=%3c"}
}

// The common mistake is to replace the origin wherever it stands. Record data
// that holds it, as text or as JSON in a column, is not changed.
func ExampleView_Response_recordData() {
	record := `{"@odata.id":"https://contoso.crm.dynamics.com/api/data/v9.2/accounts(1)",
 "websiteurl":"https://contoso.crm.dynamics.com/",
 "description":"{\"@odata.id\":\"https://contoso.crm.dynamics.com/\"}"}`
	s := newMapper().At("http", "localhost:7080").Response(odata.Message{ContentType: v4})
	fmt.Printf("%s\n", s.All([]byte(record)))
	// Output:
	// {"@odata.id":"http://localhost:7080/api/data/v9.2/accounts(1)",
	//  "websiteurl":"https://contoso.crm.dynamics.com/",
	//  "description":"{\"@odata.id\":\"https://contoso.crm.dynamics.com/\"}"}
}

// No stream means: nothing to map, so the body can pass as it is, compressed or not.
func ExampleView_Response_none() {
	s := newMapper().At("http", "localhost:7080").Response(odata.Message{ContentType: "application/octet-stream"})
	fmt.Println(s == nil)
	// Output: true
}

func ExampleView_Request() {
	s := newMapper().At("http", "localhost:7080").Request(odata.Message{ContentType: "application/json"})
	fmt.Printf("%s\n", s.All([]byte(`{"primarycontactid@odata.bind":"http://[::1]:7080/api/data/v9.2/contacts(1)"}`)))
	// Output: {"primarycontactid@odata.bind":"https://contoso.crm.dynamics.com/api/data/v9.2/contacts(1)"}
}

func ExampleView_Target() {
	view := newMapper().At("http", "localhost:7080")
	fmt.Println(view.Target("/api/data/v9.2/accounts(2)/x/$ref?$id=http%3a%2f%2flocalhost%3a7080%2fapi%2fdata%2fv9.2%2fx(1)"))
	// A filter is data.
	fmt.Println(view.Target("/api/data/v9.2/accounts?$filter=websiteurl eq 'http://localhost:7080/'"))
	// Output:
	// /api/data/v9.2/accounts(2)/x/$ref?$id=https%3a%2f%2fcontoso.crm.dynamics.com%2fapi%2fdata%2fv9.2%2fx(1)
	// /api/data/v9.2/accounts?$filter=websiteurl eq 'http://localhost:7080/'
}

func ExampleView_Header() {
	view := newMapper().At("http", "localhost:7080")
	fmt.Println(view.Header("OData-EntityId", "https://contoso.crm.dynamics.com/api/data/v9.2/accounts(1)"))
	fmt.Println(view.Header("Location", "https://contoso.crm.dynamics.com.evil.com/"))
	// Output:
	// http://localhost:7080/api/data/v9.2/accounts(1)
	// https://contoso.crm.dynamics.com.evil.com/
}
