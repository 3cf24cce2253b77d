package odata

import (
	"regexp"
	"strings"
	"testing"
)

var (
	fuzzLength = regexp.MustCompile(`(?im)^(content-length:[ \t]*)\d+`)
	fuzzHost   = regexp.MustCompile(`(?im)^(host:[ \t]*)(?:l0|\[::1\]:7|a\.b)(?::80)?([ \t\r]*)$`)
)

func FuzzMultipart(f *testing.F) {
	short := strings.NewReplacer("<R>", "https://a.b", "<A>", "https://a.c:8", "<L>", "http://l0", "<L4>", "http://l0", "<L6>", "http://l0", "localhost:7080", "l0", "batch_1", "b", "changeset_2", "c", "changesetresponse_64cc3fff", "c")
	for _, tt := range batchAnswerTable {
		f.Add([]byte(short.Replace(tt.in)), true, uint64(3))
	}
	for _, tt := range batchRequestTable {
		f.Add([]byte(short.Replace(tt.in)), false, uint64(3))
	}
	f.Add([]byte("--b\r\n\x10\x0c\x11\x0e\x10\x0c\x12{\x04:\x05\"}\x0b--"), true, uint64(5))
	f.Add([]byte("--b\r\n\x13\x14\r\n\x0c\x11\x0f\x16\x0c\x12{\x06\"]}\x14--\x0b--"), false, uint64(5))
	view := fuzzMapper(f).At("http", "l0")
	f.Fuzz(func(t *testing.T, data []byte, answer bool, seed uint64) {
		in := fuzzTokens.Replace(string(data))
		dir, swap := direction((*View).Request), view.sent
		if answer {
			dir, swap = (*View).Response, view.answers
		}
		m := Message{ContentType: "multipart/mixed; boundary=b"}
		out := pieces(dir(view, m), in)
		if got := pieces(dir(view, m), cut(in, someCuts(in, seed))...); got != out {
			t.Fatalf("cuts make a difference:\n  in %q\n got %q\nwant %q", in, got, out)
		}
		mask := func(s string) string {
			return fuzzHost.ReplaceAllString(fuzzLength.ReplaceAllString(s, "${1}N"), "${1}H${2}")
		}
		explain(t, swap, mask(in), mask(out))
		if !roundTrips(swap, in) || fuzzHost.MatchString(in) {
			return
		}
		if got := pieces(dir(back(view), m), out); mask(got) != mask(in) {
			t.Fatalf("there and back:\n got %q\nwant %q", got, in)
		}
	})
}
