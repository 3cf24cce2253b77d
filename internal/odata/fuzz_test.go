package odata

import (
	stdjson "encoding/json"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

// Fuzzing finds nothing if it must first find our origins by chance, so bytes
// that hardly occur otherwise stand for what matters, and origins are short.
var fuzzTokens = strings.NewReplacer(
	"\x01", `https://a.b`, "\x02", `http://l0`, "\x03", `https:\/\/a.b`, "\x04", `"@odata.id"`,
	"\x05", `"https://a.b/`, "\x06", `"x@odata.bind":["http://l0/`, "\x07", `{"__metadata":{"uri":"https://a.b/x"}}`,
	"\x0b", "\r\n--b", "\x0c", "Content-Type: application/", "\x0e", "HTTP/1.1 202 OK\r\n", "\x0f", "POST http://l0/ HTTP/1.1\r\n",
	"\x10", "Content-Length: 9\r\n", "\x11", "http\r\n\r\n", "\x12", "json\r\n\r\n", "\x13", "Content-Type: multipart/mixed; boundary=c\r\n\r\n",
	"\x14", "\r\n--c", "\x15", "Location: https://a.b/\r\n", "\x16", "Host: l0\r\n", "\x17", "%3A%2F%2F", "\x18", "http%3a%2F%2fl0%2f",
)

func fuzzMapper(tb testing.TB) *Mapper {
	m, err := New(Origins{
		Remote: []string{"https://a.b", "https://a.c:8"},
		Local:  []string{"http://l0", "http://[::1]:7"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// back is the view that maps what v mapped back to where it was.
func back(v *View) *View {
	return &View{
		answers: newSwap([]origin{v.answers.to}, v.sent.to, v.answers.count),
		sent:    newSwap([]origin{v.sent.to}, v.answers.to, v.sent.count),
	}
}

// fuzzModes are the kinds of JSON that FuzzJSON maps.
var fuzzModes = []struct {
	dir direction
	m   Message
	v2  bool
	g   grammar
}{
	{dir: (*View).Response, m: Message{ContentType: minimalType}},
	{dir: (*View).Response, m: Message{ContentType: plainType}, v2: true},
	{dir: (*View).Response, m: Message{ContentType: minimalType, Status: 202}, v2: true, g: grammar{monitor: true}},
	{dir: (*View).Response, m: Message{ContentType: plainType, Target: organizationFunction}, v2: true, g: grammar{organization: true}},
	{dir: (*View).Request, m: Message{ContentType: plainType}, v2: true, g: grammar{bind: true}},
	{dir: (*View).Request, m: Message{ContentType: plainType, Target: "/$links/x"}, v2: true, g: grammar{bind: true, reference: true}},
}

func FuzzJSON(f *testing.F) {
	short := strings.NewReplacer("<R>", "https://a.b", "<A>", "https://a.c:8", "<L>", "http://l0", "<L4>", "http://[::1]:7", "<L6>", "http://l0:80", `<R\>`, `https:\/\/a.b`, `<L\>`, `http:\/\/l0`)
	for _, tt := range answerTable {
		for mode := range uint8(4) {
			f.Add([]byte(short.Replace(tt.in)), mode, uint64(3))
		}
	}
	for _, tt := range requestTable {
		f.Add([]byte(short.Replace(tt.in)), uint8(4), uint64(2))
		f.Add([]byte(short.Replace(tt.in)), uint8(5), uint64(1))
	}
	f.Add([]byte("{\x04:\x05x\",\"a\":\"\\\"\x04:\x05\",\x04:\"\x03\\/\"}"), uint8(0), uint64(0))
	view := fuzzMapper(f).At("http", "l0")
	f.Fuzz(func(t *testing.T, data []byte, mode uint8, seed uint64) {
		checkJSON(t, view, fuzzTokens.Replace(string(data)), mode, seed)
	})
}

// checkJSON states what must hold for any text that is called JSON.
func checkJSON(t *testing.T, view *View, in string, mode uint8, seed uint64) {
	t.Helper()
	mo := fuzzModes[int(mode)%len(fuzzModes)]
	out := pieces(mo.dir(view, mo.m), in)
	if got := pieces(mo.dir(view, mo.m), cut(in, someCuts(in, seed))...); got != out {
		t.Fatalf("cuts make a difference:\n  in %q\n got %q\nwant %q", in, got, out)
	}
	checkLength(t, mo.dir(view, mo.m), in, out)
	swap := view.answers
	if mo.g.bind {
		swap = view.sent
	}
	explain(t, swap, in, out)
	if !stdjson.Valid([]byte(in)) || strings.Count(in, "[")+strings.Count(in, "{") > maxDepth {
		return
	}
	g := mo.g
	ref := reference{
		from:    refOrigins(swap.from),
		to:      swap.to.text,
		isLink:  func(path []string) bool { return refIsLink(path, &g, mo.v2) },
		context: func() { g.organization = g.organization || mo.v2 && !mo.g.bind },
	}
	if want := string(refMap([]byte(in), ref)); out != want {
		t.Fatalf("in %q:\n got %q\nwant %q", in, out, want)
	}
	if roundTrips(swap, in) {
		if got := pieces(mo.dir(back(view), mo.m), out); got != in {
			t.Fatalf("there and back:\n got %q\nwant %q", got, in)
		}
	}
}

// explain fails unless out is in with some origins replaced. What is neither
// an origin nor its replacement must be the same byte for byte.
func explain(t *testing.T, s *swap, in, out string) {
	t.Helper()
	var from []string
	for _, o := range s.from {
		from = append(from, regexp.QuoteMeta(o.text)+"(?:"+o.port+")?")
	}
	slash := `(?:\\?/|%2f)`
	expr := strings.ReplaceAll(strings.Join(from, "|"), "/", slash)
	expr = strings.ReplaceAll(expr, ":"+slash, "(?::|%3a)"+slash)
	origins := regexp.MustCompile(`^(?i:` + expr + `)`)
	i, j := 0, 0
	for i < len(in) {
		if m := origins.FindString(in[i:]); m != "" {
			if n := replaced(s, out[j:]); n > 0 {
				i += len(m)
				j += n
				continue
			}
		}
		if j == len(out) || in[i] != out[j] {
			t.Fatalf("after %q:\n  in %q\n out %q", in[:i], in[i:], out[j:])
		}
		i++
		j++
	}
	if j != len(out) {
		t.Fatalf("too much: %q", out[j:])
	}
}

// replaced is the length of the replacement that out begins with, or 0.
func replaced(s *swap, out string) int {
	for _, colon := range []string{":", "%3A", "%3a"} {
		for _, slash := range []string{"/", `\/`, "%2F", "%2f"} {
			to := strings.NewReplacer(":", colon, "/", slash).Replace(s.to.text)
			if strings.HasPrefix(out, to) {
				return len(to)
			}
		}
	}
	return 0
}

// roundTrips tells whether in can be mapped back to what it was: it holds
// nothing of the other side, and spells the origins as the mapping does.
func roundTrips(s *swap, in string) bool {
	fold := strings.ToLower(in)
	host := s.from[0].host
	for _, o := range s.from[1:] {
		if strings.Contains(fold, o.host) {
			return false
		}
	}
	return !strings.Contains(fold, strings.ToLower(s.to.host)) &&
		strings.Count(fold, host) == strings.Count(in, s.from[0].text)+strings.Count(in, strings.ReplaceAll(s.from[0].text, "/", `\/`)) &&
		!strings.Contains(fold, host+":")
}

// checkLength states that the length of what a body becomes is known before.
func checkLength(t *testing.T, s *Stream, in, out string) {
	t.Helper()
	counted := s.swap.count.Load()
	n, err := s.Length(iotest.DataErrReader(strings.NewReader(in)))
	if n != int64(len(out)) || err != nil || s.swap.count.Load() != counted {
		t.Fatalf("length %d, %v, %d links counted; want %d, none:\n  in %q\n out %q", n, err, s.swap.count.Load()-counted, len(out), in, out)
	}
}
