package forward_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"dvproxy/internal/forward"
)

// What a client writes is what upstream gets. The targets are those of
// Dataverse's documentation and of clients that do not escape.
var targets = []string{
	"/",
	"/api/data/v9.2/WhoAmI",
	"/api/data/v9.2/accounts(78914942-34cb-ed11-b596-0022481d68cd)",
	"/api/data/v9.2/contacts?$select=fullname&$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%2520page%253d%25221%2522%253e",
	"/api/data/v9.0/accounts?$deltatoken=919042%2108%2f22%2f2017%2008%3a10%3a44",
	"/api/data/v9.2/tasks?$expand=regardingobjectid_contact_task($select=fullname;$expand=parentcustomerid_account($select=name;$expand=createdby))",
	"/api/data/v9.2/accounts?$filter=name%20eq%20'100%'",
	"/api/data/v9.2/accounts?$filter=name%20eq%20'a%2'&x=%zz",
	"/a/$ref?$id=https://contoso.crm.dynamics.com/api/data/v9.0/opportunities(1)",
	"//api/data/v9.2/WhoAmI",
	"///x?y=//z",
	"//x?",
	"//%2Fx;y",
	"/x?",
	"/x??",
	"/x?a=1&&b",
	"/x;y=1?z;w",
	"/a%2Fb%2fc",
	"/a/../b/./c",
	`/x"y|z^w` + "`{}<>\\?q=\"|^`{}<>\\",
	"/caf%C3%A9?n=caf%e9",
	"/x#y?z#w",
	"/accounts(name='O''Brien')",
	"/accounts(name='a%2Fb',x=@p)?@p='%27'",
	"*",
}

func TestRequestTargetsAreByteExact(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(r.RequestURI)))
		_, _ = io.WriteString(w, r.RequestURI)
	}
	r := newRig(t, echo, &fakeTokens{}, forward.Options{})
	long := "/api/data/v9.2/accounts?$filter=" + strings.Repeat("name%20eq%20'x'%20or%20", 1400) // 30 KB
	for _, target := range append(targets, long) {
		method := "GET"
		if target == "*" {
			method = "OPTIONS"
		}
		got, err := r.raw(t, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", method, target, r.addr))
		if err != nil || !strings.HasSuffix(got, "\r\n\r\n"+target) {
			t.Errorf("sent     %.200s\nanswered %.400s (%v)", target, got, err)
		}
	}
}

func TestAbsoluteFormIsMadeOriginForm(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI+" "+r.Host) }
	r := newRig(t, echo, &fakeTokens{}, forward.Options{})
	host := strings.TrimPrefix(r.upstream.URL, "http://")
	for in, want := range map[string]string{
		"http://" + r.addr + "/api?x;y": "/api?x;y",
		"http://" + r.addr:              "/",
		"http://" + r.addr + "?x":       "/?x",
		"http://" + r.addr + "//x":      "//x",
	} {
		got, _ := r.raw(t, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", in, r.addr))
		if !strings.HasSuffix(got, "\r\n\r\n"+want+" "+host) {
			t.Errorf("%s arrives as %.300s, want %s", in, got, want)
		}
	}
}

// A target that net/url would escape anew goes out in absolute-form where it
// begins with two slashes: the bytes are the same all the same.
func TestTwoSlashesAndOddCharacters(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) }
	r := newRig(t, echo, &fakeTokens{}, forward.Options{})
	got, _ := r.raw(t, fmt.Sprintf("GET //a|b?c HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", r.addr))
	if want := r.upstream.URL + "//a|b?c"; !strings.HasSuffix(got, "\r\n\r\n"+want) {
		t.Errorf("arrives as %.300s, want %s", got, want)
	}
}

func TestRequestTargetsOverHTTP2(t *testing.T) {
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto+" "+r.RequestURI)
	}))
	upstream.EnableHTTP2 = true
	upstream.StartTLS()
	defer upstream.Close()
	transport := forward.NewTransport(10*time.Second, 10*time.Second)
	transport.TLSClientConfig.RootCAs = upstream.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	r := newRigTo(t, upstream.URL, transport, &fakeTokens{}, forward.Options{})
	for _, target := range append(targets, "//a|b?c") {
		if target == "*" {
			continue // net/http's HTTP/2 server answers OPTIONS * by itself
		}
		got, err := r.raw(t, fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", target, r.addr))
		if err != nil || !strings.HasSuffix(got, "\r\n\r\nHTTP/2.0 "+target) {
			t.Errorf("sent     %.200s\nanswered %.400s (%v)", target, got, err)
		}
	}
}
