package forward_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"dvproxy/internal/forward"
)

// An upstream that is not to be had is asked again for what is safe, and only
// for that: a write may have been done.
func TestUnavailable(t *testing.T) {
	busy := func(status int, headers ...string) []*http.Response {
		return []*http.Response{answer(status, "busy", append(headers, "Content-Type", "text/html")...)}
	}
	times := func(n int, r *http.Response) (all []*http.Response) {
		for range n {
			all = append(all, answer(r.StatusCode, "busy", "Content-Type", "text/html"))
		}
		return all
	}
	tests := map[string]struct {
		method  string
		first   func() []*http.Response // answers, before it is well
		want    int
		last    time.Duration // when it is sent for the last time
		sent    int
		maxWait time.Duration
	}{
		"502":                    {method: "GET", first: func() []*http.Response { return busy(502) }, want: 200, last: 500 * time.Millisecond, sent: 2},
		"503":                    {method: "HEAD", first: func() []*http.Response { return busy(503) }, want: 200, last: 500 * time.Millisecond, sent: 2},
		"504":                    {method: "OPTIONS", first: func() []*http.Response { return busy(504) }, want: 200, last: 500 * time.Millisecond, sent: 2},
		"twice":                  {method: "GET", first: func() []*http.Response { return times(2, answer(503, "")) }, want: 200, last: 1500 * time.Millisecond, sent: 3},
		"three times":            {method: "GET", first: func() []*http.Response { return times(3, answer(503, "")) }, want: 200, last: 3500 * time.Millisecond, sent: 4},
		"four times":             {method: "GET", first: func() []*http.Response { return times(4, answer(503, "")) }, want: 503, last: 3500 * time.Millisecond, sent: 4},
		"Retry-After":            {method: "GET", first: func() []*http.Response { return busy(503, "Retry-After", "7") }, want: 200, last: 7 * time.Second, sent: 2},
		"Retry-After, too long":  {method: "GET", first: func() []*http.Response { return busy(503, "Retry-After", "61") }, want: 503, sent: 1},
		"no time left":           {method: "GET", first: func() []*http.Response { return times(2, answer(502, "")) }, want: 502, last: 500 * time.Millisecond, sent: 2, maxWait: time.Second},
		"POST":                   {method: "POST", first: func() []*http.Response { return busy(503, "Retry-After", "1") }, want: 503, sent: 1},
		"PATCH":                  {method: "PATCH", first: func() []*http.Response { return busy(502) }, want: 502, sent: 1},
		"PUT":                    {method: "PUT", first: func() []*http.Response { return busy(504) }, want: 504, sent: 1},
		"DELETE":                 {method: "DELETE", first: func() []*http.Response { return busy(503) }, want: 503, sent: 1},
		"MERGE":                  {method: "MERGE", first: func() []*http.Response { return busy(502) }, want: 502, sent: 1},
		"500 is another's fault": {method: "GET", first: func() []*http.Response { return busy(500) }, want: 500, sent: 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := tt.first()
				b := newBubble(&fakeTokens{}, forward.Options{MaxWait: tt.maxWait}, func(n int, r *http.Request) *http.Response {
					resp := answer(200, "well")
					if n <= len(first) {
						resp = first[n-1]
					}
					resp.Request = r
					return resp
				})
				body := ""
				if tt.method == "POST" {
					body = "body"
				}
				got := b.do(t.Context(), tt.method, "/x", body)
				sent := b.attempts()
				if got.Code != tt.want || len(sent) != tt.sent || sent[len(sent)-1].at != tt.last {
					t.Errorf("answered %d, attempts %+v", got.Code, sent)
				}
				if tt.want >= 500 && got.Body.String() != "busy" {
					t.Errorf("the answer is not upstream's: %s", got.Body)
				}
			})
		})
	}
}
