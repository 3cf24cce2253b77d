package forward

import (
	"net/http"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

var waits = map[string]struct {
	in, date string
	want     time.Duration
}{
	"absent":            {"", "", 0},
	"seconds":           {"17", "", 17 * time.Second},
	"blanks":            {" 17 ", "", 17 * time.Second},
	"zero":              {"0", "", 0},
	"negative":          {"-1", "", 0},
	"fraction":          {"1.5", "", 0},
	"signed":            {"+5", "", 0},
	"a word":            {"soon", "", 0},
	"huge":              {"99999999999999999999999", "", 24 * time.Hour},
	"large":             {"100000000", "", 24 * time.Hour},
	"date":              {"Tue, 24 Nov 2026 08:00:30 GMT", "", 30 * time.Second},
	"date of RFC 850":   {"Tuesday, 24-Nov-26 08:00:30 GMT", "", 30 * time.Second},
	"date of asctime":   {"Tue Nov 24 08:00:30 2026", "", 30 * time.Second},
	"date that is over": {"Tue, 24 Nov 2026 07:59:30 GMT", "", 0},
	"another clock":     {"Tue, 24 Nov 2026 09:00:30 GMT", "Tue, 24 Nov 2026 09:00:00 GMT", 30 * time.Second},
	"far":               {"Tue, 24 Nov 2076 08:00:30 GMT", "", 24 * time.Hour},
}

func TestRetryAfter(t *testing.T) {
	for name, tt := range waits {
		h := http.Header{"Retry-After": {tt.in}}
		if tt.date != "" {
			h.Set("Date", tt.date)
		}
		if got := retryAfter(h, now); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	if got := retryAfter(http.Header{}, now); got != 0 {
		t.Errorf("no header: %v", got)
	}
}

// Whatever stands there, the wait is in whole seconds from 0 to a day.
func FuzzRetryAfter(f *testing.F) {
	for _, tt := range waits {
		f.Add(tt.in, tt.date)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		got := retryAfter(http.Header{"Retry-After": {value}, "Date": {date}}, now)
		if got < 0 || got > 24*time.Hour || got%time.Second != 0 {
			t.Errorf("Retry-After %q, Date %q: %v", value, date, got)
		}
	})
}
