package odata

import (
	"fmt"
	"strings"
	"testing"
)

// chooser makes a fuzzer's bytes into choices, so that every input is a
// well-formed document. Where the bytes end, it chooses the first.
type chooser struct{ data []byte }

func (c *chooser) pick(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return int(b) % n
}

func (c *chooser) of(list []string) string { return list[c.pick(len(list))] }

var (
	modelKeys = []string{
		"a", "@odata.id", "x@odata.nextLink", "@odata.context", "x@odata.bind", "uri", "__metadata", "__deferred", "__next",
		"location", "Detail", "Endpoints", "Values", "value", "media_src", `\"@odata.id`, `@odata.id\\`, `@odata.id\"`, "@odata.idx",
		`\u0040odata.id`, strings.Repeat("k", 80) + "@odata.id", strings.Repeat("k", 61) + "uri", "", "@odata.associationLink", "odata.id",
	}
	modelStrings = []string{
		"", "https://a.b/x", "https://a.b", `https:\/\/a.b\/x`, "http://l0/x", "http://l0", `http:\/\/l0`, "https://a.b:443/", "https://a.b:44",
		"HTTPS://A.B?", "https://a.c:8#", "https://a.b.c/", "https://a.b@c", "https://a.b\\\"/", "https://a.b\\\\/", " https://a.b/", "http://[::1]:7/",
		"https://a.b/$metadata" + organizationContext, `{\"@odata.id\":\"https://a.b/x\"}`, `\\`, `\"`, `\\\"`, "@odata.id", `x\",\"@odata.id\":\"https://a.b/`,
		"https://a", "https:", "/", `\/\/`, "https://a.b/\xff", `\n`, `\u0041\n\\`, `\"`,
	}
	modelSpaces = []string{"", " ", "\n", " \t\r\n", strings.Repeat(" ", 40)}
)

// document chooses a JSON text.
func (c *chooser) document(depth int) string {
	w := func() string { return c.of(modelSpaces) }
	kind := c.pick(8)
	if depth == 0 {
		kind %= 4
	}
	switch kind {
	case 0, 1, 2:
		return `"` + c.of(modelStrings) + `"`
	case 3:
		return c.of([]string{"1", "null", "true", "-1.5e3", "{}", "[]"})
	case 4:
		var list []string
		for range c.pick(4) {
			list = append(list, w()+c.document(depth-1)+w())
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	var list []string
	for range 1 + c.pick(4) {
		list = append(list, w()+`"`+c.of(modelKeys)+`"`+w()+":"+w()+c.document(depth-1)+w())
	}
	return "{" + strings.Join(list, ",") + "}"
}

// FuzzDocument checks well-formed JSON only, which FuzzJSON comes by seldom.
func FuzzDocument(f *testing.F) {
	for mode := range uint8(len(fuzzModes)) {
		f.Add([]byte("\x05\x01\x00\x01\x00\x00\x00\x01\x00\x05\x06\x05\x05"), mode, uint64(2))
	}
	f.Add([]byte("\x05\x00\x00\x0a\x00\x00\x05\x00\x00\x0b\x00\x00\x05\x00\x00\x0c\x00\x00\x04\x01\x00\x00\x01"), uint8(3), uint64(2))
	view := fuzzMapper(f).At("http", "l0")
	f.Fuzz(func(t *testing.T, data []byte, mode uint8, seed uint64) {
		c := &chooser{data: data}
		doc := c.document(8)
		checkJSON(t, view, doc, mode, seed)
		checkJSON(t, view, doc[:len(doc)*c.pick(256)/256], mode, seed)
	})
}

// batchModel makes a batch twice: as it comes and as it must leave.
type batchModel struct {
	*chooser
	answer   bool
	eol      string
	from, to string
	n        int // boundaries made
}

// text fills in a template: O is the origin where it is mapped, H its host, and
// P the origin where it is not mapped.
func (b *batchModel) text(template string) (in, want string) {
	template = strings.ReplaceAll(template, "\n", b.eol)
	template = strings.ReplaceAll(template, "<P>", b.from)
	fill := func(origin string) string {
		_, host, _ := strings.Cut(origin, "//")
		return strings.NewReplacer("<O>", origin, "<H>", host).Replace(template)
	}
	return fill(b.from), fill(b.to)
}

// sized is a header, after its start line if it has one, and the content it is
// about, with a Content-Length or not.
func (b *batchModel) sized(start, head, in, want string) (string, string) {
	startIn, startWant := b.text(start)
	headIn, headWant := b.text(head)
	lenIn, lenWant := "", ""
	if b.pick(2) == 1 {
		name := b.of([]string{"Content-Length: ", "content-length:", "CONTENT-LENGTH: \t"})
		lenIn, lenWant = fmt.Sprint(name, len(in), b.eol), fmt.Sprint(name, len(want), b.eol)
	}
	if b.pick(2) == 1 {
		return startIn + lenIn + headIn + b.eol + in, startWant + lenWant + headWant + b.eol + want
	}
	return startIn + headIn + lenIn + b.eol + in, startWant + headWant + lenWant + b.eol + want
}

func (b *batchModel) body() string {
	s := ""
	for range b.pick(4) {
		s += b.of([]string{
			`{"@odata.id":"<O>/x","a":"<P>/x"}`,
			`{"a@odata.nextLink" :` + "\n" + ` "<O>"}`,
			`{"a":1}` + "\n",
			"\n--", "\n-", "--bb",
			`{"__metadata":{"uri":"<O>/x"}}`,
			strings.Repeat(`{"a":"<P>/x","@odata.id":"<O>/x"}`, 40),
		})
	}
	return s
}

func (b *batchModel) message() (in, want string) {
	in, want = b.text(b.body())
	kind := "Content-Type: application/json; odata.metadata=minimal\n"
	if b.pick(4) == 1 {
		kind = "Content-Type: text/plain\n"
		want = in
	}
	if b.answer {
		return b.sized("HTTP/1.1 "+b.of([]string{"200 OK", "204 No Content", "400 BadRequest"})+"\n",
			b.of([]string{"", "Location: <O>/x\n", "OData-EntityId:<O>/x\nLocation:<O>\n", "X: <P>/x\n"})+kind, in, want)
	}
	return b.sized(b.of([]string{"POST <O>/x", "PATCH /x", "DELETE /x/$ref?$id=<O>/y", "PUT $1/x", "GET <P>.evil/x"})+" HTTP/1.1\n",
		b.of([]string{"", "Host: <H>\n", "X: <P>/x\n"})+kind, in, want)
}

// multipart chooses parts, some of them multiparts themselves.
func (b *batchModel) multipart(boundary string, depth int) (in, want string) {
	in = b.of([]string{"", "preamble" + b.eol})
	want = in
	add := func(i, w string) { in, want = in+i, want+w }
	for range 1 + b.pick(3) {
		add("--"+boundary+b.eol, "--"+boundary+b.eol)
		if depth > 0 && b.pick(3) == 1 {
			b.n++
			inner := fmt.Sprintf("b%d", b.n)
			i, w := b.multipart(inner, depth-1)
			add(b.sized("", "Content-Type: multipart/mixed; boundary="+inner+"\n", i, w))
		} else {
			i, w := b.message()
			add(b.sized("", "Content-Type: application/http\nContent-Transfer-Encoding: binary\n", i, w))
		}
		add(b.eol, b.eol)
	}
	end := "--" + boundary + "--" + b.of([]string{"", b.eol, b.eol + b.eol})
	return in + end, want + end
}

func FuzzBatch(f *testing.F) {
	f.Add([]byte("\x00\x02\x01\x00\x01\x01\x02\x00\x01\x00\x01\x00\x01\x00"), true, uint64(3))
	f.Add([]byte("\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"), false, uint64(3))
	f.Add([]byte("\x00\x02\x02\x00\x03\x07\x07\x07\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"), false, uint64(3))
	view := fuzzMapper(f).At("http", "l0")
	f.Fuzz(func(t *testing.T, data []byte, answer bool, seed uint64) {
		b := &batchModel{chooser: &chooser{data: data}, answer: answer, from: "http://l0", to: "https://a.b"}
		dir := direction((*View).Request)
		if answer {
			b.from, b.to = b.to, b.from
			dir = (*View).Response
		}
		b.eol = b.of([]string{"\r\n", "\n"})
		in, want := b.multipart("b", 2)
		m := Message{ContentType: "multipart/mixed; boundary=b"}
		for _, p := range [][]string{{in}, cut(in, someCuts(in, seed))} {
			if got := pieces(dir(view, m), p...); got != want {
				t.Fatalf("%d pieces:\n  in %q\n got %q\nwant %q", len(p), in, got, want)
			}
		}
		checkLength(t, dir(view, m), in, want)
	})
}
