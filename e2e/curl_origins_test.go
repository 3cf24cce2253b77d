package e2e

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"slices"
	"strings"
	"testing"
)

// TestCurlPublicURL goes by other names: one that is allowed, and one that
// clients are told whatever they have dialled.
func TestCurlPublicURL(t *testing.T) {
	for _, public := range []string{"", "https://dv.example.org"} {
		t.Run("public_url="+public, func(t *testing.T) {
			b := newLinkBench(t, "environments:\n  - public_url: \""+public+"\"\n    guard: {allowed_hosts: [gateway_1.internal, \"other.internal:8443\"]}\n")
			hosts := map[string]string{"": b.proxy.origin, "gateway_1.internal:" + b.port(): "http://gateway_1.internal:" + b.port(), "other.internal:8443": "http://other.internal:8443"}
			if public != "" {
				hosts["dv.example.org"] = public
			}
			for host, origin := range hosts {
				if public != "" {
					origin = public
				}
				var in []string
				if host != "" {
					in = []string{"-H", "Host: " + host}
				}
				c := b.do(slices.Concat(in, []string{"-d", `{"name":"named ` + host + `"}`, accounts})...).want(t, "204")
				b.absent(c)
				id := c.fields("OData-EntityId")
				if len(id) != 1 || !strings.HasPrefix(id[0], origin+accounts+"(") {
					t.Fatalf("Host %q: OData-EntityId %q, want one of %s", host, id, origin)
				}
				// What the client was told is understood, whichever name it uses now.
				b.do("-H", "Content-Type: application/json", "-d", `{"fullname":"x","a@odata.bind":"`+id[0]+`"}`, api+"contacts").want(t, "204")
				b.do(slices.Concat(in, []string{"-H", "Content-Type: application/json", "-d", `{"fullname":"x","a@odata.bind":"` + b.proxy.origin + strings.TrimPrefix(id[0], origin) + `"}`, api + "contacts"})...).want(t, "204")
			}
			b.do("-H", "Host: third.internal", accounts).want(t, "421")
		})
	}
}

// TestCurlZone holds that a listen address with a zone is no obstacle: clients
// do not name the zone in Host.
func TestCurlZone(t *testing.T) {
	l, err := net.Listen("tcp", "[::1%lo]:0")
	if err != nil {
		t.Skipf("no IPv6 with zones here: %v", err)
	}
	l.Close()
	b := newLinkBench(t, "environments: [{}]\n", "DVPROXY_LISTEN=[::1%lo]:0")
	c := b.do("-d", `{"name":"x"}`, "http://[::1]:"+b.port()+accounts).want(t, "204")
	if id := c.fields("OData-EntityId"); len(id) != 1 || !strings.HasPrefix(id[0], b.proxy.origin+"/") {
		t.Errorf("OData-EntityId %q", id)
	}
}

// TestCurlBrokenPages holds that a long page which is cut short or damaged ends
// in an error for the client, whatever was compressed and however it reads.
func TestCurlBrokenPages(t *testing.T) {
	b := newLinkBench(t, "environments: [{}]\n")
	for range 2 {
		noise := make([]byte, 400<<10) // two are more than is read whole, compressed to half of it
		rand.Read(noise)               // never fails
		long := `{"name":"long","description":"` + hex.EncodeToString(noise) + `"}`
		b.send(strings.NewReader(long), "--data-binary", "@-", accounts).want(t, "204")
	}
	for _, in := range [][]string{nil, {"--compressed"}, {"--http1.0"}} {
		b.do(append(in, accounts)...).want(t, "200")
		for _, kind := range []string{"truncate", "truncate_chunks", "truncate_gzip", "corrupt_gzip"} {
			b.tenant.control(t, `POST /faults/dataverse {"kind":"`+kind+`","method":"GET","bytes":750000}`, nil)
			if c := b.do(append(in, accounts)...); c.exit == 0 || c.status != "200" {
				t.Errorf("%s %q: curl exited with %d, status %s after %d bytes; want a 200 that breaks off", kind, in, c.exit, c.status, len(c.body))
			}
			b.tenant.control(t, "DELETE /faults/dataverse", nil)
		}
	}
}
