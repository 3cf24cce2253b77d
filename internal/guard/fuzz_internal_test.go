package guard

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// refusedIn says whether a search refuses a body that comes in pieces.
func refusedIn(s search, body string, seed uint64) bool {
	random := rand.New(rand.NewPCG(seed, seed))
	for body != "" {
		n := len(body)
		if seed > 0 {
			n = min(n, 1+random.IntN(1+int(seed%40)))
		}
		if s.look([]byte(body[:n])) != "" {
			return true
		}
		body = body[n:]
	}
	return s.end() != ""
}

// fuzzWords make mutations of a few bytes into what matters here.
var fuzzWords = strings.NewReplacer(
	"\x01", "MSCRMCallerID", "\x02", "CallerObjectId", "\x03", "Content-Transfer-Encoding:", "\x04", "Content-Type:",
	"\x05", "charset=", "\x06", "binary", "\x07", "\r\n", "\x0e", "utf-8", "\x0f", "Content-Encoding", "\x10", "CallerId",
	"\x11", "<?xml", "\x12", "encoding=", "\x13", "<!DOCTYPE", "\x14", strings.Repeat("x", 40), "\x15", strings.Repeat(" ", 600),
)

// A line that begins like a header: a name without space in it, space around
// it, in Latin-1.
var headerName = regexp.MustCompile(`^[\x00-\x20\x7f-\x{ff}._-]*([A-Za-z0-9][A-Za-z0-9\x00._-]*)?[\x00-\x20\x7f-\x{ff}._-]*$`)

// nameIn is the bare name that a line has before its first colon, or alone.
func nameIn(line string) (name, value string, colon bool) {
	name, value, colon = strings.Cut(line, ":")
	latin := make([]rune, len(name))
	for i := range len(name) {
		latin[i] = rune(name[i])
	}
	if !headerName.MatchString(string(latin)) || len(bare(name)) > mostName {
		return "", value, colon
	}
	return bare(name), value, colon
}

// refusedLines does what lines does, with the whole body at hand.
func refusedLines(body string) bool {
	judges := map[string]func(string) string{
		"contenttransferencoding": transferEncoding, "contentencoding": contentEncoding, "contenttype": contentType,
	}
	body = strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n")
	all := strings.Split(body, "\n")
	for i, line := range all {
		name, value, colon := nameIn(line)
		if isCaller(name) {
			return true
		}
		judge := judges[name]
		if judge == nil || !colon {
			continue
		}
		for _, more := range all[i+1:] {
			if more == "" || more[0] != ' ' && more[0] != '\t' {
				break
			}
			if next, _, colon := nameIn(more); colon && judges[next] != nil {
				before, _, _ := strings.Cut(more, ":")
				value += before + ":"
				break
			}
			value += more
		}
		if len(value) > mostValue || judge(strings.TrimSpace(value)) != "" {
			return true
		}
	}
	return false
}

func FuzzLines(f *testing.F) {
	for i, body := range []string{
		"--b\r\nContent-Type: application/http\r\n\r\nPOST /x HTTP/1.1\r\nMSCRMCallerID: 1\r\n\r\n{}",
		"\x01", "a\x07\x01 :", "\x02\n", "\t\x01:", "x\x01:", "\x03base64", "\x03\x07 \x06", "\x03\x06\x07\x07{}", "\x04a;\x07\tb;\x05\x0e",
		"\x04a;\x05x", "\x0f: gzip", "\x0f:\r\n\r\n gzip", "\x04a\x07 \x03 base64", "\x04\x15\x15\x15\x15\x15\x15\x15", "\x14\x14\x01:", "M\x00S\x00CallerID:",
		"Caller ID:", "\"\x10\": 1", "\xa0\x10\xa0:", "a\r\x10:", "a\r\r\n\x10:", "- \x10:", "\x04a\r\n\r\n ;\x05x",
	} {
		f.Add(body, uint64(i))
	}
	f.Fuzz(func(t *testing.T, body string, seed uint64) {
		body = fuzzWords.Replace(body)
		if got, want := refusedIn(newLines(), body, seed), refusedLines(body); got != want {
			t.Errorf("refused %v, want %v: %q", got, want, body)
		}
	})
}

// refusedTags does what tags does, with the whole body at hand.
func refusedTags(body string) bool {
	body = strings.TrimLeft(body, " \t\r\n")
	for trimmed := ""; trimmed != body; { // a byte order mark, in any order
		trimmed = body
		body = strings.TrimLeft(body, " \t\r\n")
		for _, mark := range []string{"\xef", "\xbb", "\xbf"} {
			body = strings.TrimPrefix(body, mark)
		}
	}
	if body == "" {
		return false
	}
	if body[0] != '<' || strings.Contains(body, "\x00") {
		return true
	}
	pieces := strings.Split(body[1:], "<")
	for i, piece := range pieces {
		last := i == len(pieces)-1
		end := strings.IndexAny(piece, " \t\r\n/>")
		if end < 0 {
			if last {
				return false
			}
			end = len(piece)
		}
		name := strings.ToLower(piece[strings.LastIndex(piece[:end], ":")+1 : end])
		switch {
		case len(name) > mostTag:
		case strings.HasPrefix(name, "caller") && strings.HasSuffix(name, "id"),
			strings.HasPrefix(name, "!doctype"), strings.HasPrefix(name, "!entity"):
			return true
		case name == "?xml" && i == 0:
			rest := piece[min(end+1, len(piece)):]
			closing := strings.Index(rest, ">")
			switch {
			case closing < 0 && (!last || len(rest) > mostDeclaration), closing > mostDeclaration,
				closing >= 0 && !isText(rest[:closing+1], "encoding"):
				return true
			}
		}
	}
	return false
}

func FuzzTags(f *testing.F) {
	for i, body := range []string{
		"<?xml version='1.0' encoding='utf-8'?><s:Envelope><s:Header><a:CallerId>1</a:CallerId>",
		"<\x10>", "<a:\x10\n>", "\xef\xbb\xbf<a/>", " <a", "x<a>", "<\x14:\x10/>", "<\x14\x10/>", "\x11 \x12'\x0e'?>", "\x11 \x12'utf-7'?>",
		"\x11\x15>", "\x11\x15", "\x11<", "\x11><\x10>", "<a>\x11 \x12'x'?>", "\x13[", "<!Entity ", "<a>\x00", "<![CDATA[<\x10>]]>", "<a b='>'", "<\x10",
		"\x11 <\x10>", "\x11 encoding", "<<\x10>", "\x11<\x10>", "<:::\x10>", "</\x10>", "<\x02>",
	} {
		f.Add(body, uint64(i))
	}
	f.Fuzz(func(t *testing.T, body string, seed uint64) {
		body = fuzzWords.Replace(body)
		if got, want := refusedIn(&tags{}, body, seed), refusedTags(body); got != want {
			t.Errorf("refused %v, want %v: %q", got, want, body)
		}
	})
}
