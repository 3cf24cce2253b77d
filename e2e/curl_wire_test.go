package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
)

func TestCurlHeaders(t *testing.T) {
	b := newCurlBench(t)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(b.proxy.origin, "http://"))
	origins := []string{b.proxy.origin, "http://127.0.0.1:" + port}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		origins = append(origins, "http://[::1]:"+port)
	} else {
		t.Logf("no IPv6 here: %v", err)
	}
	for _, origin := range origins {
		c := b.do(origin+api+"WhoAmI").want(t, "200")
		for name, want := range map[string]int{
			"x-ms-service-request-id": 2, "X-Source": 2, "Set-Cookie": 4, "REQ_ID": 1, "OData-Version": 1, "CRM.ServiceId": 1,
			"AuthActivityId": 1, "x-ms-dop-hint": 1, "Cache-Control": 1, "Vary": 1, "Allow": 1, "Public": 1, "Date": 1,
			"Content-Type": 1, "Content-Length": 1, "Strict-Transport-Security": 0, "Proxy-Status": 0, "Server": 0, "Via": 0,
		} {
			if got := c.fields(name); len(got) != want {
				t.Errorf("%s: %s comes %d times, want %d: %q", origin, name, len(got), want, got)
			}
		}
		if strings.Contains(strings.ToLower(c.heads[0]), "strict-transport-security") {
			t.Errorf("%s: localhost would be pinned to https:\n%s", origin, c.heads[0])
		}
	}

	id, args := b.tagged("--http2", // asks for an upgrade to h2c
		"-H", "User-Agent:", "-H", "OData-MaxVersion: 4.0", "-H", "MSCRM.SuppressDuplicateDetection: false",
		"-H", "prefer: odata.maxpagesize=2", "-H", "Prefer: odata.include-annotations=*", "-H", "x-forwarded-for: 192.0.2.1", "-H", "X-Forwarded-Prefix: /x",
		"-H", "Forwarded: for=192.0.2.1", "-H", "Proxy-Authorization: Basic eDp5", "-H", "Authorization: Basic eDp5",
		"-b", "ARRAffinity=abc; orgId=def", accounts)
	b.do(args...).want(t, "200")
	arrived := b.tenant.arrived(t, id)
	for name, want := range map[string][]string{
		"x-ms-client-request-id": {id}, "OData-MaxVersion": {"4.0"}, "MSCRM.SuppressDuplicateDetection": {"false"},
		"Prefer": {"odata.maxpagesize=2", "odata.include-annotations=*"}, "Cookie": {"ARRAffinity=abc; orgId=def"}, "Accept": {"*/*"},
		"Host":       {strings.TrimPrefix(b.tenant.DataverseURL, "http://")},
		"User-Agent": nil, "X-Forwarded-For": nil, "X-Forwarded-Prefix": nil, "Forwarded": nil, "Proxy-Authorization": nil, "Upgrade": nil,
		"HTTP2-Settings": nil, "Http2-Settings": nil, "Connection": nil, "Content-Type": nil,
	} {
		if got := fields(arrived.RawHead, name); !slices.Equal(got, want) {
			t.Errorf("Dataverse got %s %q, want %q in\n%s", name, got, want, arrived.RawHead)
		}
	}
	if got := fields(arrived.RawHead, "Authorization"); len(got) != 1 || !strings.HasPrefix(got[0], "Bearer ey") {
		t.Error("Dataverse did not get one bearer token")
	}
}

// TestCurlTargets compares request targets as bytes, here and there.
func TestCurlTargets(t *testing.T) {
	b := newCurlBench(t)
	for _, target := range []string{
		api + "WhoAmI",
		"/" + api + "WhoAmI",
		api + "./../v9.2//WhoAmI",
		api + "WhoAmI?",
		accounts + "(name='a%2Fb%2fc')",
		accounts + "?$filter=name%20eq%20%27a%2fb+c%27&$top=1",
		accounts + "?$filter=contains(name,'100%')&$expand=primarycontactid($select=fullname;$top=1)",
		accounts + `?$filter=name+eq+"x"|^{}[]<>\` + "`&&a=&=b&a;b",
		accounts + "?q=Köln",
		accounts + "?$filter=name%20eq%20'" + strings.Repeat("x", 30_000) + "'",
		"/",
		"*",
	} {
		id, args := b.tagged(target)
		if target == "*" {
			id, args = b.tagged("-X", "OPTIONS", "--request-target", target, "/")
		}
		c := b.do(args...)
		arrived := b.tenant.arrived(t, id)
		if arrived.RequestURI != target || c.status != fmt.Sprint(arrived.Status) {
			t.Errorf("%.100s: Dataverse got %.100s and answered %d; curl has %s", target, arrived.RequestURI, arrived.Status, c.status)
		}
	}
	id, args := b.tagged("-x", b.proxy.origin, api+"WhoAmI?absolute=form") // curl takes dvproxy for a proxy
	b.do(args...).want(t, "200")
	if got := b.tenant.arrived(t, id).RequestURI; got != api+"WhoAmI?absolute=form" {
		t.Errorf("Dataverse got the target %q", got)
	}
}

// TestCurlPages reads pages that are long enough to come compressed and in
// chunks, by the links that Dataverse gives.
func TestCurlPages(t *testing.T) {
	b := newCurlBench(t)
	var names []string
	for i := range 8 {
		name := fmt.Sprintf("row %d", i)
		names = append(names, name)
		noise := make([]byte, 20<<10)
		rand.Read(noise) // never fails
		b.create(fmt.Sprintf(`{"name":"%s","description":"%s"}`, name, hex.EncodeToString(noise)), "-H", "Expect:")
	}
	for _, tt := range []struct {
		name          string
		in            []string
		gzip, chunked string // encodings of the answer
	}{
		{"plain", nil, "", "chunked"},
		{"compressed", []string{"--compressed"}, "", "chunked"},
		{"HTTP 1.0", []string{"--http1.0"}, "", ""},
		{"HTTP 1.0 without Host", []string{"--http1.0", "-H", "Host:"}, "", ""},
	} {
		var got []string
		next := accounts + "?$select=name,description"
		for next != "" {
			c := b.do(append(tt.in, "-H", "Prefer: odata.maxpagesize=6", next)...).want(t, "200")
			var page struct {
				Value []struct{ Name, Description string }
				Next  string `json:"@odata.nextLink"`
			}
			if err := json.Unmarshal([]byte(c.body), &page); err != nil {
				t.Fatalf("%s: %v in %d bytes", tt.name, err, len(c.body))
			}
			for _, row := range page.Value {
				got = append(got, row.Name)
			}
			encodings := strings.Join(c.fields("Content-Encoding"), ",") + " " + strings.Join(c.fields("Transfer-Encoding"), ",")
			if page.Next != "" && encodings != tt.gzip+" "+tt.chunked {
				t.Errorf("%s: encodings %q, want %q", tt.name, encodings, tt.gzip+" "+tt.chunked)
			}
			if next = strings.TrimPrefix(page.Next, b.proxy.origin); next == page.Next && next != "" {
				t.Fatalf("%s: the next link leads to %s", tt.name, next)
			}
			if length := len(c.fields("Content-Length")) > 0; page.Next != "" && length == (tt.chunked != "") {
				t.Errorf("%s: a Content-Length: %v", tt.name, length)
			}
		}
		if !slices.Equal(got, names) {
			t.Errorf("%s: rows %q, want %q", tt.name, got, names)
		}
	}
}
