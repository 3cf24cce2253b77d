package odata

import (
	"strings"
	"testing"
)

func TestBatchBounds(t *testing.T) {
	view := newMapper(t).At("http", "localhost:7080")
	m := Message{ContentType: batchType}
	long := strings.Repeat("x", maxHeld)
	line := strings.Repeat("x", maxLine)
	for _, tt := range []struct{ name, in, want string }{
		{
			name: "a length that would have to be held too long is left out",
			in:   requestPart("POST /x HTTP/1.1\nContent-Length: 524401\nContent-Type: application/json\n\n{\"@odata.id\":\"<L>/x\",\"a\":\"" + long + "\",\"@odata.id\":\"<L>/x\"}"),
			want: requestPart("POST /x HTTP/1.1\nContent-Type: application/json\n\n{\"@odata.id\":\"<R>/x\",\"a\":\"" + long + "\",\"@odata.id\":\"<R>/x\"}"),
		},
		{
			name: "but not where the body is not mapped",
			in:   requestPart("POST /x HTTP/1.1\nContent-Length: 524288\nContent-Type: text/plain\n\n" + long),
			want: requestPart("POST /x HTTP/1.1\nContent-Length: 524288\nContent-Type: text/plain\n\n" + long),
		},
		{
			name: "a long URL",
			in:   requestPart("GET <L>/" + line[:64<<10] + " HTTP/1.1\n\n"),
			want: requestPart("GET <R>/" + line[:64<<10] + " HTTP/1.1\n\n"),
		},
		{
			name: "a longer URL",
			in:   requestPart("GET <L>/"+line+" HTTP/1.1\nHost: localhost:7080\n\n") + requestPart("GET <L>/ HTTP/1.1\n\n"),
			want: requestPart("GET <L>/"+line+" HTTP/1.1\nHost: localhost:7080\n\n") + requestPart("GET <R>/ HTTP/1.1\n\n"),
		},
		{
			name: "a long header",
			in:   requestPart("GET <L>/ HTTP/1.1\nX: " + line + "\nHost: localhost:7080\n\n"),
			want: requestPart("GET <R>/ HTTP/1.1\nX: " + line + "\nHost: contoso.crm.dynamics.com\n\n"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in, want := spell(tt.in), spell(tt.want)
			places := make([]int, 0, len(in)/1000)
			for i := 7; i < len(in); i += 1009 {
				places = append(places, i)
			}
			for _, p := range [][]string{{in}, cut(in, places)} {
				if got := pieces(view.Request(m), p...); got != want {
					t.Errorf("%d pieces: got %d bytes, want %d: %.300q", len(p), len(got), len(want), got)
				}
			}
		})
	}
}
