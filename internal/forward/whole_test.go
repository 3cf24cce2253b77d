package forward_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"dvproxy/internal/forward"
)

// What is short as upstream sends it and long once decoded is decoded twice, and
// not kept. All of its links are mapped, and counted once.
func TestManyLinksInAShortAnswer(t *testing.T) {
	const links, link = 5000, `{"@odata.id":"<R>/api/data/v9.2/accounts(00000000-0000-0000-0000-000000000001)"},`
	in := `{"value":[` + strings.Repeat(link, links) + `{}]}`
	coded := gzipped(strings.ReplaceAll(in, "<R>", remote))
	if len(coded) > 64<<10 || len(in) < 64<<10 {
		t.Fatalf("%d bytes, %d compressed", len(in), len(coded))
	}
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", v4)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Length", strconv.Itoa(len(coded)))
		_, _ = io.WriteString(w, coded)
	}, &fakeTokens{}, forward.Options{})
	want := strings.ReplaceAll(in, "<R>", r.url)
	for n := range 3 {
		head, body := r.answer(t, "GET /api/data/v9.2/accounts HTTP/1.1\r\nHost: "+r.addr+"\r\nConnection: close\r\n\r\n")
		if body != want || head.Get("Content-Length") != strconv.Itoa(len(want)) || head.Get("Content-Encoding") != "" {
			t.Errorf("%d bytes, want %d; header %v", len(body), len(want), head)
		}
		if _, answers := r.links.Mapped(); answers != uint64((n+1)*links) {
			t.Errorf("%d links are counted, want %d", answers, (n+1)*links)
		}
	}
}
