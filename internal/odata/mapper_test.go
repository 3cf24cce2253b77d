package odata

import (
	"strings"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	ok := []string{"https://contoso.crm.dynamics.com"}
	for _, tt := range []struct {
		name   string
		remote []string
		local  []string
		want   []string // what the error must hold
	}{
		{"nothing", nil, nil, []string{"remote origin: none", "local origin: none"}},
		{"scheme", []string{"ftp://x"}, []string{"localhost:7080"}, []string{`"ftp"`, `"localhost"`}},
		{"user", []string{"https://me:secret@x"}, ok, []string{"user information"}},
		{"path", []string{"https://x/api"}, []string{"http://l?a"}, []string{"remote origin: an origin has no path", "local origin: an origin has no path"}},
		{"fragment", []string{"https://x#"}, ok, []string{"fragment"}},
		{"host", []string{"https://"}, []string{"http://:80"}, []string{"remote origin: the host", "local origin: the host"}},
		{"character", []string{`https://a"b`}, []string{"http://ä"}, []string{"remote origin: the host holds '\"'", "local origin: the host holds 'ä'"}},
		{"length", []string{"https://" + strings.Repeat("x", 300)}, ok, []string{"too long"}},
		{"malformed", []string{"https://me:secret@x:y"}, ok, []string{"not a URL"}},
		{"both", ok, []string{"HTTPS://Contoso.crm.dynamics.com:443/"}, []string{"both remote and local"}},
	} {
		_, err := New(Origins{Remote: tt.remote, Local: tt.local})
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		for _, w := range tt.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q does not say %q", tt.name, err, w)
			}
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %q tells a secret", tt.name, err)
		}
	}
}

func TestAt(t *testing.T) {
	origins := Origins{
		Remote: []string{remote},
		Local:  []string{"http://localhost:7080", "https://localhost:7443", "http://proxy", "http://localhost:7080/"},
	}
	m, err := New(origins)
	if err != nil {
		t.Fatal(err)
	}
	origins.Public = "https://public.example"
	public, err := New(origins)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		mapper             *Mapper
		scheme, host, want string
	}{
		{m, "http", "localhost:7080", "http://localhost:7080"},
		{m, "http", "LOCALHOST:7080", "http://localhost:7080"},
		{m, "https", "localhost:7443", "https://localhost:7443"},
		{m, "http", "proxy:80", "http://proxy"},
		{m, "http", "other:7080", "http://other:7080"},
		{m, "", "", "http://localhost:7080"},
		{m, "http", `x"y`, "http://localhost:7080"},
		{m, "http", "x/y", "http://localhost:7080"},
		{public, "http", "localhost:7080", "https://public.example"},
		{public, "", "", "https://public.example"},
	} {
		view := tt.mapper.At(tt.scheme, tt.host)
		if got := view.Header("Location", remote+"/x"); got != tt.want+"/x" {
			t.Errorf("at %s://%s: %s, want %s/x", tt.scheme, tt.host, got, tt.want)
		}
		// What an answer gave comes back.
		if got := view.Target("/x?$id=" + tt.want + "/x"); got != "/x?$id="+remote+"/x" {
			t.Errorf("at %s://%s: back to %s", tt.scheme, tt.host, got)
		}
	}
	if n := testing.AllocsPerRun(10, func() { m.At("http", "proxy") }); n > 0 {
		t.Errorf("At costs %v allocations", n)
	}
}

// A client that dialled the environment itself, by a hosts file, needs nothing mapped.
func TestAtRemote(t *testing.T) {
	view := newMapper(t).At("https", "contoso.crm.dynamics.com")
	if s := view.Response(Message{ContentType: minimalType}); s != nil {
		t.Error("a stream where local is remote")
	}
	if got := view.Header("Location", remote+"/x"); got != remote+"/x" {
		t.Error(got)
	}
}

func TestMapped(t *testing.T) {
	m := newMapper(t)
	view := m.At("http", "localhost:7080")
	s := view.Response(Message{ContentType: minimalType})
	s.All([]byte(`{"@odata.id":"` + remote + `/x","@odata.context":"` + remote + `"}`))
	view.Header("Location", remote)
	view.Header("Location", "/relative")
	view.Target("/x?$id=http://localhost:7080/x")
	view.Request(Message{ContentType: batchType}).All([]byte(spell(requestPart("GET <L>/x?$id=<L> HTTP/1.1\nHost: localhost:7080\n\n"))))
	if req, resp := m.Mapped(); req != 4 || resp != 3 || s.Mapped() != 2 {
		t.Errorf("mapped %d requests' and %d responses' links, %d by the stream", req, resp, s.Mapped())
	}
}

func TestContentTypes(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	for _, tt := range []struct {
		in     string
		mapped bool
	}{
		{"application/json", true},
		{"Application/JSON ; charset=utf-8", true},
		{minimalType, true},
		{batchType, true},
		{"multipart/mixed; boundary=x", true},
		{"MULTIPART/MIXED;BOUNDARY=x", true},
		{"multipart/mixed", false},
		{"multipart/mixed; boundary=", false},
		{"multipart/mixed; boundary=" + strings.Repeat("x", 201), false},
		{"multipart/form-data; boundary=x", false},
		{"application/xml", false},
		{"application/json-seq", false},
		{"application/octet-stream", false},
		{"", false},
	} {
		m := Message{ContentType: tt.in}
		if got := view.Response(m) != nil; got != tt.mapped {
			t.Errorf("%q: response mapped: %v", tt.in, got)
		}
		if got := view.Request(m) != nil; got != tt.mapped {
			t.Errorf("%q: request mapped: %v", tt.in, got)
		}
	}
}
