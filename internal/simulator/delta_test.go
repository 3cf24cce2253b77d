package simulator

import (
	"regexp"
	"strings"
	"testing"
)

func TestDeltaLinks(t *testing.T) {
	b := newBench(t, Options{})
	b.fill("a b c")
	first := b.data("GET", accounts+"?$select=name", "", "Prefer: odata.track-changes")
	link, _ := first.members(t)["@odata.deltaLink"].(string)
	shape := regexp.MustCompile(`^` + regexp.QuoteMeta(b.DataverseURL+accounts) + `\?\$select=name&\$deltatoken=\d+%21\d\d%2f\d\d%2f\d{4}%20\d\d%3a\d\d%3a\d\d$`)
	if !shape.MatchString(link) || first.header.Get("Preference-Applied") != "odata.track-changes" {
		t.Fatalf("%s %v", first.body, first.header)
	}
	rows := b.page(accounts).Value
	key := func(i int) string { return "(" + rows[i]["accountid"].(string) + ")" }
	b.data("PATCH", accounts+key(1), `{"name":"B"}`).want(t, 204, "")
	b.data("DELETE", accounts+key(0), "").want(t, 204, "")
	b.data("POST", accounts, `{"name":"d"}`).want(t, 204, "")
	b.data("POST", contacts, `{"name":"other"}`).want(t, 204, "")

	at := strings.TrimPrefix(link, b.DataverseURL)
	a := b.data("GET", at, "")
	base := b.DataverseURL + "/api/data/v9.2/$metadata#accounts"
	gone := `{"@odata.context":"` + base + `/$deletedEntity","id":"` + rows[0]["accountid"].(string) + `","reason":"deleted"}]}`
	if a.status != 200 || !strings.HasPrefix(a.body, `{"@odata.context":"`+base+`(name)/$delta","@odata.deltaLink":"`+b.DataverseURL+accounts+"?$select=name&$deltatoken=") ||
		!strings.HasSuffix(a.body, gone) || b.page(at).names() != "B d <nil>" {
		t.Errorf("%d %s", a.status, a.body)
	}
	next := strings.TrimPrefix(a.members(t)["@odata.deltaLink"].(string), b.DataverseURL)
	if p := b.page(next); len(p.Value) != 0 {
		t.Errorf("changes since the changes: %v", p.Value)
	}
	for name, mangled := range map[string]string{
		"upper case": strings.Replace(at, "%2f", "%2F", 1), "decoded": strings.Replace(at, "%21", "!", 1), "appended": at + "&$count=true",
	} {
		if a := b.data("GET", mangled, ""); a.status != 400 || a.errorCode() == "" {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	b.data("GET", accounts+"?$filter=name%20eq%20'a'", "", "Prefer: odata.track-changes").want(t, 400, "0x80060888")
}

// The link stands on the last page, and tells of changes since the first.
func TestDeltaLinkAfterPages(t *testing.T) {
	b := newBench(t, Options{PageSize: 2})
	b.fill("a b c")
	first := b.page(accounts, "Prefer: odata.track-changes")
	b.data("PATCH", accounts+"("+first.Value[0]["accountid"].(string)+")", `{"name":"A"}`).want(t, 204, "")
	last := b.data("GET", strings.TrimPrefix(first.NextLink, b.DataverseURL), "")
	link, _ := last.members(t)["@odata.deltaLink"].(string)
	if link == "" || strings.Contains(link, "skiptoken") {
		t.Fatalf("%s", last.body)
	}
	if got := b.page(strings.TrimPrefix(link, b.DataverseURL)).names(); got != "A" {
		t.Errorf("changed: %s", got)
	}
	if a := b.data("GET", accounts, "", "Prefer: odata.maxpagesize=5"); strings.Contains(a.body, "deltaLink") {
		t.Errorf("untracked: %s", a.body)
	}
}
